"""What `./run demo` begins with: a campaign that runs, people and initiatives to be counted."""
import datetime
import os
import random

from world import DATABASE

PEOPLE, INITIATIVES = 60, 180
VIETNAM = datetime.timezone(datetime.timedelta(hours=7))
FAMILY = ["Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đỗ", "Bùi"]
MIDDLE = ["Thị", "Văn", "Minh", "Thu", "Đức", "Ngọc"]
GIVEN = ["Hoa", "Bình", "An", "Hà", "Long", "Mai", "Sơn", "Yến", "Khánh", "Phúc"]
WHAT = ["Giá đỡ khuôn ba tầng", "Sổ tay ảnh cho ca đêm", "Xe đẩy khay thành phẩm", "Bảng màu báo lỗi", "Lịch tái khám qua tin nhắn",
        "Đồ gá kẹp bo mạch", "Bộ thẻ học từ vựng", "Máng gom phoi tự chảy", "Phiếu giao ca một trang", "Khay nam châm giữ vít"]


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def campaign(folder, units):
    """Three waves of ten days, the second of which runs today; targets for the units that people are in and those above."""
    today = datetime.datetime.now(VIETNAM).date()
    first = today - datetime.timedelta(days=14)
    lines = ["record,code,name,from,to,unit,initiatives", "campaign,TVD,Tháng về đích,,,,"]
    for n in range(3):
        start = first + datetime.timedelta(days=10 * n)
        lines.append(f"wave,D{n + 1},Đợt {n + 1},{start},{start + datetime.timedelta(days=9)},,")
    for code, target in [("T", 120), ("K", 60), ("N1", 30), ("N2", 20), ("H1", 20)] + [(u, 12) for u in units]:
        lines.append(f"target,D2,,,,{code},{target}")
    path = os.path.join(folder, "campaign.csv")
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
    return path


# How long ago people last wrote: most within the free 48 hours, some within the 7 days that cost, some before.
def last_wrote_hours(n):
    return 1 + n % 40 if n < 42 else 60 + n if n < 54 else 200 + n


def rows(units):
    """Invented people and what they sent in the last two weeks, always the same."""
    chance = random.Random(3)
    sql = []
    for n in range(PEOPLE):
        name = f"{chance.choice(FAMILY)} {chance.choice(MIDDLE)} {chance.choice(GIVEN)}"
        sql.append("INSERT INTO person (user_id, full_name, name_key, unit_id, follows, consent_at, created_at, last_inbound_at) SELECT "
                   f"'demo-{n}', {quoted(name)}, lower({quoted(name)}), id, true, now(), now() - interval '20 days', "
                   f"now() - interval '{last_wrote_hours(n)} hours' FROM union_unit WHERE code = '{units[n % len(units)]}' "
                   "ON CONFLICT DO NOTHING;")
        sql.append(f"INSERT INTO conversation (user_id, last_event_at) VALUES ('demo-{n}', now() - interval '{last_wrote_hours(n)} hours') ON CONFLICT DO NOTHING;")
    for n in range(INITIATIVES):
        who, kind = chance.randrange(PEOPLE), chance.choice(["money"] * 7 + ["nonmonetary", "unknown"])
        vnd = chance.choice([5, 8, 12, 20, 36, 50, 75, 120, 300]) * 1000000 if kind == "money" else "NULL"
        status = chance.choice(["submitted"] * 5 + ["valid"] * 3 + ["recognised", "returned", "duplicate", "refused"])
        sql.append("INSERT INTO initiative (user_id, id, code, title, description, annual_benefit_vnd, benefit_kind, unit_id, status, submitted_at) SELECT "
                   f"user_id, {n + 1}, 'SK-D{n:05}', {quoted(WHAT[n % len(WHAT)])}, {quoted(WHAT[n % len(WHAT)] + ': làm thử ở tổ, nay cả chuyền dùng.')}, {vnd}, "
                   f"'{kind}', unit_id, '{status}', now() - interval '{chance.randrange(14 * 24 * 60)} minutes' FROM person WHERE user_id = 'demo-{who}' "
                   "ON CONFLICT DO NOTHING;")
    return "\n".join(sql)


def seed(world, folder):
    """Once for a data folder: what is there stays as it is."""
    units = ["K01", "K02", "K03", "K04", "H101", "H203", "N101", "N102", "N201", "T01"]
    if world.postgres.psql(DATABASE, "SELECT count(*) FROM campaign").strip() == "0":
        world.bot.command("import", "campaign", campaign(folder, units))
        world.postgres.psql(DATABASE, rows(units))
        world.postgres.psql(DATABASE, "SELECT standing_fold(0)")
        for n in range(PEOPLE):
            world.standin.call("POST", "/_admin/people", {"prefix": "demo-", "from": n, "count": 1, "age_ms": last_wrote_hours(n) * 3600 * 1000})
