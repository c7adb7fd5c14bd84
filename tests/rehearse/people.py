"""Who is invented for the month, and what they write when: filers, people who look in, drafts left lying, some who want no reminders."""
import random

FAMILY = ["Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đỗ", "Bùi"]
GIVEN = ["Hoa", "Bình", "An", "Hà", "Long", "Mai", "Sơn", "Yến", "Khánh", "Phúc", "Tâm", "Vân"]
# Syllables, so many that no two titles are alike by chance: nobody is asked whether his is another's.
WORDS = [onset + rime for onset in "b c ch d đ g h kh l m n ng nh ph qu r s t th tr v x".split()
         for rime in "a ang ay ăm ăn âu ân am an anh ao au ong ôm ôn ơi ơn uc um un ươn ươc iêm iên".split()]
BENEFITS = ["50 triệu", "12tr", "1,5 tỷ", "khoảng 8 triệu một tháng", "120 triệu/năm", "300 nghìn mỗi ngày làm 300 ngày", "75tr"]
LOOKS_IN_EVERY_DAYS = 8
LATE_PER_WAVE = 5


class People:
    def __init__(self, month, count, initiatives):
        self.month, self.count, self.chance = month, count, random.Random(5)
        ids = list(range(count))
        self.chance.shuffle(ids)
        self.initiatives = min(initiatives, count - count // 20)
        self.filers, rest = ids[:self.initiatives], ids[self.initiatives:]
        self.drafters, self.leavers = set(rest[:count // 50]), set(rest[count // 50:count // 50 + count // 100])
        self.filed, self.late_filers = 0, []
        self.by_day = {}

    def name(self, n):
        return f"m{n}"

    def settle_in(self):
        """They registered before the month began."""
        m = self.month
        units = m.sql("SELECT id FROM union_unit u WHERE NOT EXISTS (SELECT FROM union_unit d WHERE d.parent_id = u.id) ORDER BY id").split()
        rows = []
        for n in range(self.count):
            name = f"{self.chance.choice(FAMILY)} Thị {self.chance.choice(GIVEN)}"
            # some units are large, some small
            rows.append(f"('{self.name(n)}','{name}','{name.lower()}',{units[int(len(units) * self.chance.random() ** 2)]},{self.chance.randrange(10 * 24)})")
        for begin in range(0, len(rows), 2000):
            values = ",".join(rows[begin:begin + 2000])
            m.sql(f"""CREATE TEMP TABLE new AS SELECT * FROM (VALUES {values}) v (user_id, name, key, unit_id, hours);
                      INSERT INTO conversation (user_id, last_event_at) SELECT user_id, now() - make_interval(hours => hours) FROM new;
                      INSERT INTO person (user_id, full_name, name_key, unit_id, consent_at, created_at, last_inbound_at)
                      SELECT user_id, name, key, unit_id, now(), now() - interval '30 days', now() - make_interval(hours => hours) FROM new""")
        m.sql("ANALYZE person; ANALYZE conversation")
        m.world.standin.call("POST", "/_admin/people", {"prefix": "m", "from": 0, "count": self.count, "age_ms": 0})
        self.plan()

    def plan(self):
        """Most file in the last days of a wave; a few at its last minute."""
        waves = self.month.waves
        queue = list(self.filers)
        self.late_by_day = {}
        for _, _, last in waves:
            self.late_by_day[last] = [queue.pop() for _ in range(min(LATE_PER_WAVE, len(queue) // 2))]
        for n in queue:
            _, first, last = self.chance.choice(waves)
            day = last - int((last - first + 1) * self.chance.random() ** 2) if self.chance.random() < 0.8 else self.chance.randint(first, last)
            self.by_day.setdefault(max(first, min(last, day)), []).append(n)

    def words(self, n):
        return " ".join(self.chance.choice(WORDS) for _ in range(n))

    def filing(self, n):
        self.filed += 1
        return self.name(n), ["đăng ký", f"{self.words(6).capitalize()}", f"{self.words(14).capitalize()}. {self.words(14).capitalize()}.", "viết xong",
                              self.chance.choice(BENEFITS[:3] + BENEFITS[4:5] + BENEFITS[6:]), "đúng rồi", "gửi sáng kiến"]

    def morning(self, day):
        """Those who look in, leave a draft, or want no more reminders."""
        for n in range(self.count):
            if n in self.drafters:
                if n % 25 == day:
                    yield self.name(n), ["đăng ký", f"Ý tưởng {self.words(5)}"]
            elif n in self.leavers:
                if n % 29 == day:
                    yield self.name(n), ["dừng nhắc"]
            elif self.chance.random() < 1 / LOOKS_IN_EVERY_DAYS:
                yield self.name(n), [self.chance.choice(["sáng kiến của tôi", "xin chào", "hướng dẫn"])]

    def afternoon(self, day):
        return [self.filing(n) for n in self.by_day.get(day, [])]

    def late(self, day):
        talks = [self.filing(n) for n in self.late_by_day.get(day, [])]
        self.late_filers += [(user, day) for user, _ in talks]
        return talks
