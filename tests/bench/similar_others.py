"""Initiatives made up, to stand around the real ones: three kinds, since what is rare in one of them is common in another.

  words    words follow each other as in the real ones, or come from all of them and from invented syllables
  phrases  the problem, half a solution, another half, the benefit and two halves of titles of six real ones
  slots    a machine, a place, a fault, a means and a gain from short lists, in sentences with one form: what a script writes"""
import collections
import random
import re

TEMPLATES = ["{p}. Từ đó tôi {s}, nhờ vậy {b}.", "Trước đây {p}. Em đã {s}. Kết quả: {b}.", "Thực trạng: {p}. Giải pháp: {s}. Hiệu quả: {b}.",
             "{p}. Cách khắc phục: {s}. Áp dụng từ tháng {m}, {b}. Dễ làm, chi phí thấp.",
             "{s}, thay cho cách làm cũ ({p}). Sau khi áp dụng, {b}. Chi phí ban đầu rất ít.",
             "{p}. Vì vậy chúng tôi đề xuất: {s}; nhờ vậy {b}.", "Nhóm chúng em {s}. Hiện nay {b}.", "{s}. {b}."]


def capital(text):
    return text[0].upper() + text[1:]


def small(text):
    return text[0].lower() + text[1:]


class Others:
    def __init__(self, rows, seed):
        self.random = random.Random(seed)

    def parts(self):
        """@return title, problem, solution, benefit."""
        raise NotImplementedError

    def write(self, number):
        title, p, s, b = self.parts()
        text = self.random.choice(TEMPLATES).format(p=p, s=s, b=b, m=self.random.randint(1, 12))
        return {"id": f"G{number}", "title": capital(title), "description": capital(text),
                "annual_vnd": self.random.randint(1, 500) * 1000000, "sector": "other", "union_unit": f"CĐCS {number % 2000}"}


class Words(Others):
    def __init__(self, rows, seed):
        super().__init__(rows, seed)
        self.after = collections.defaultdict(list)
        words = []
        for r in rows:
            for text in (r["title"], r["description"]):
                line = re.findall(r"[^\W\d_]+", text.lower())
                words += line
                for a, b in zip(line, line[1:]):
                    self.after[a].append(b)
        seen = collections.Counter(words)
        onsets = "b c ch d đ g gi h kh l m n ng nh ph qu s t th tr v x".split()
        rimes = "a ác ai àn áng ao át âm ân ầu ep ế iên iệt inh o oan oi on ông ơi uân uốc ương ưu y ùng".split()
        invented = [o + r for o in onsets for r in rimes]
        random.Random(1).shuffle(invented)
        self.pool, self.weights = [w for w, _ in seen.most_common()] + invented, []
        total = 0.0
        for rank in range(len(self.pool)):
            total += 1.0 / (rank + 20)
            self.weights.append(total)

    def phrase(self, least, most):
        n = self.random.randint(least, most)
        word = self.random.choices(self.pool, cum_weights=self.weights)[0]
        out = [word]
        while len(out) < n:
            follow = self.after.get(word)
            word = self.random.choice(follow) if follow and self.random.random() < 0.6 \
                else self.random.choices(self.pool, cum_weights=self.weights)[0]
            out.append(word)
        return " ".join(out)

    def parts(self):
        return self.phrase(6, 11), self.phrase(5, 9), self.phrase(6, 12), self.phrase(4, 8)


class Phrases(Others):
    CUES = [(r"^Trước đây (.*?)\. Em đã (.*?)\. Kết quả: (.*?)\.", "psb"), (r"^(.*?)\. Từ đó tôi (.*), nhờ vậy (.*?)\.", "psb"),
            (r"^Thực trạng: (.*?)\. Giải pháp: (.*?)\. Hiệu quả: (.*?)\.", "psb"),
            (r"^(.*?)\. Cách khắc phục: (.*?)\. Áp dụng từ tháng \d+, (.*?)\.", "psb"),
            (r"^(.*?), thay cho cách làm cũ \((.*?)\)\. Sau khi áp dụng, (.*?)\.", "spb"), (r"^Nhóm chúng em (.*?)\. Hiện nay (.*?)\.", "sb"),
            (r"^([^.]*)\. ([^.]*)\.", "sb")]

    def __init__(self, rows, seed):
        super().__init__(rows, seed)
        self.of = {"p": [], "s": [], "b": []}
        self.titles = [r["title"].split() for r in rows]
        for r in rows:
            for cue, names in self.CUES:
                found = re.match(cue, capital(r["description"]))
                if found:
                    for name, text in zip(names, found.groups()):
                        self.of[name].append(small(text))
                    break

    def halves(self, one, two):
        return " ".join(one[:(len(one) + 1) // 2] + two[len(two) // 2:])

    def parts(self):
        pick = self.random.choice
        return (self.halves(pick(self.titles), pick(self.titles)), pick(self.of["p"]),
                self.halves(pick(self.of["s"]).split(), pick(self.of["s"]).split()), pick(self.of["b"]))


class Slots(Others):
    MEANS = """gá kẹp; khay nhựa; xe đẩy; giá treo; bảng màu; tem màu; mã QR; cảm biến tiệm cận; đèn báo; còi báo; công tắc chân; van tự ngắt; bơm
        mini; quạt hút; vách ngăn; tấm chắn; con lăn; băng tải nhỏ; tời tay; pa lăng; nam châm; lò xo; xi lanh khí nén; khuôn mica; dưỡng đo; thước cữ;
        phễu rót; ống dẫn; lưới lọc; bể lắng; tấm cách nhiệt; bông gốm; đệm cao su; nắp che; hộp đèn; gương cầu lồi; camera; phần mềm; bảng tính
        chung; nhóm Zalo; phiếu kiểm; sổ tay; video ngắn; lịch hẹn; thẻ QR; hộp thư; bàn xoay; kệ nghiêng; thang có bánh xe; máng nghiêng""".split(";")
    THINGS = """máy may; máy dập; máy ép nhựa; máy cắt laser; máy hàn; máy nén khí; máy đùn; máy khoan; máy tiện; máy đóng gói; máy in; máy sấy;
        lò hơi; lò nung; băng chuyền; chuyền may; bàn cắt; bàn lắp ráp; kho lạnh; kho vải; kho phụ liệu; xe nâng; xe tải; xe rác; nồi hơi; bếp ăn; nhà
        lưới; chuồng gà; chuồng lợn; ao cá; vườn vải; vườn cam; ruộng lúa; lớp học; thư viện; phòng khám; phòng tiêm; phòng mổ; nhà thuốc; bộ phận một
        cửa; nhà văn hóa; cổng trường; trạm bơm; trạm điện; bãi xe; nhà trọ; giàn giáo; cầu thang; đường ống; tủ điện""".split(";")
    FAULTS = """hay kẹt; hay hỏng; bị nhăn; bị xước; bị mốc; bị rò; tốn điện; tốn nước; tốn vật tư; mất nhiều thời gian; phải làm bằng tay; phải đứng lâu;
        phải cúi nhiều; nóng và ồn; nhiều bụi; dễ tai nạn; dễ nhầm; khó tìm; khó vệ sinh; không đều; không ai kiểm tra; ghi sổ giấy; chờ lâu; thiếu chỗ;
        hàng rơi xuống sàn; hàng bị bẩn; sai số lượng; trùng lịch; dân đi lại nhiều lần; học sinh không hứng thú; bệnh nhân phải chờ; khách phàn
        nàn; lỗi lặp lại; phế phẩm cao; tay bị bỏng; lưng bị đau; thất lạc giấy tờ; mất hàng; hết hàng mới biết; nước đọng""".split(";")
    GAINS = """giảm {n}% phế phẩm; giảm {n}% tiền điện; giảm {n} phút mỗi ca; tăng {n}% năng suất; tiết kiệm {n} triệu mỗi tháng; bớt {n} công mỗi
        tuần; không còn tai nạn; không còn nhầm lẫn; hàng đạt ngay lần đầu; khách hàng hài lòng; công nhân đỡ mệt; tìm trong {n} giây; chờ dưới {n} phút;
        sạch và gọn hơn; thêm {n} sản phẩm mỗi giờ; bớt một người đứng máy; tuổi thọ tăng gấp đôi; không phải dừng máy; dễ kiểm tra hơn; ai cũng làm
        được""".split(";")
    DEEDS = "lắp; gắn; làm; chế tạo; thiết kế; đặt; dùng; bố trí; cải tiến; hàn; thay bằng; bổ sung".split(";")

    def __init__(self, rows, seed):
        super().__init__(rows, seed)
        for name in ("MEANS", "THINGS", "FAULTS", "GAINS", "DEEDS"):
            setattr(self, name.lower(), [" ".join(x.split()) for x in getattr(self, name)])

    def parts(self):
        pick = self.random.choice
        mean, thing, fault, deed = pick(self.means), pick(self.things), pick(self.faults), pick(self.deeds)
        title = pick(["{deed} {mean} cho {thing}", "{mean} ở {thing}", "{deed} {mean} chống {thing} {fault}", "cải tiến {thing} bằng {mean}",
                      "{mean} cho {thing} và {other}"]).format(deed=deed, mean=mean, thing=thing, fault=fault, other=pick(self.things))
        return (title, f"{thing} {fault}", f"{deed} {mean} {pick(['cạnh', 'trên', 'dưới', 'quanh', 'trước', 'sau', 'giữa'])} {thing} "
                f"{pick(['có', 'kèm', 'nối với', 'thay cho'])} {pick(self.means)}", pick(self.gains).format(n=self.random.randint(5, 60)))


class Mixed(Others):
    """A third of each."""

    def __init__(self, rows, seed):
        super().__init__(rows, seed)
        self.kinds = [kind(rows, seed + i) for i, kind in enumerate((Words, Phrases, Slots))]

    def write(self, number):
        return self.kinds[number % 3].write(number)


KINDS = {"words": Words, "phrases": Phrases, "slots": Slots, "mixed": Mixed}
