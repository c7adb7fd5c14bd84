/* The words of the amount grammar and what each can mean; matched by T8a, so marks may be missing. */
#include <pthread.h>
#include <stdlib.h>

#include "amount_parts.h"

struct row {
    uint64_t can;
    const char *phrases; /* accented, apart by ", "; several words are one token; "!": only with its accents */
    int8_t digit;
};

static const struct row rows[] = {
    /* N2, N4 */
    {W(DIGIT) | W(NOT), "không", 0},
    {W(DIGIT), "một", 1},
    {W(DIGIT), "hai", 2},
    {W(DIGIT), "ba", 3},
    {W(DIGIT), "bốn", 4},
    {W(DIGIT) | W(YEAR), "năm", 5},
    {W(DIGIT), "sáu", 6},
    {W(DIGIT), "bảy, bẩy", 7},
    {W(DIGIT), "tám", 8},
    {W(DIGIT), "chín", 9},
    {W(DIGIT) | W(ONES), "mốt", 1},
    {W(DIGIT) | W(ONES), "tư", 4},
    {W(DIGIT) | W(ONES), "lăm, nhăm", 5},
    {W(TEN), "mười"},
    {W(TENS), "mươi"},
    {W(CHUC), "chục"},
    {W(HUNDRED), "trăm"},
    {W(ODD), "linh, lẻ"},
    {W(HAM), "hăm"},
    {W(HALF), "rưỡi, rưởi"},
    {W(HALF_OF), "nửa, một nửa"},
    /* U1 to U5 */
    {W(THOUSAND), "nghìn, ngàn, kđ, kvnd"},
    {W(THOUSAND) | W(NOT), "k"},
    {W(MYRIAD), "vạn"},
    {W(MILLION), "triệu, tr, trđ, trđồng, trvnd, triệuđ, triệuđồng, triệuvnd, !củ"},
    {W(BILLION), "tỷ, tỉ, tỷđ, tỷđồng, !tỏi"},
    {W(DONG), "đồng, đ, vnđ, việt nam đồng, đồng việt nam, tiền việt"},
    {W(HEDGE), "chẵn, tròn"},
    /* F1 */
    {W(FOREIGN), "usd, us, đô, đô la, đô mỹ, đô la mỹ, đôla, dola, dollar, dollars, mỹ kim, eur, euro, "
     "ơ rô, tệ, nhân dân tệ, ndt, cny, rmb, đài tệ, yên, yên nhật, jpy, won, krw, bảng anh, "
     "gbp, sgd, aud, twd, thb, hkd, cad, chf, baht"},
    /* U6 */
    {W(NOT_UNIT), "m, t, b, kk, mil, chai, vé, lá, xị, cành, cu, !toi"},
    {W(LITRE), "lít, l"},
    /* U7 */
    {W(PERCENT), "phần trăm"},
    {W(QUANTITY) | W(HOUR), "giờ, tiếng, giờ đồng hồ"},
    {W(QUANTITY), "phút, giây, buổi, người, công nhân, chuyền, dây chuyền, kg, kí, ký, cân, gam, gram, g, "
     "tạ, tấn, lạng, ml, mét, mét vuông, mét khối, m vuông, khối, m khối, m2, m3, km, cm, mm, "
     "cây số, kwh, kw, mw, mwh, số điện, ký điện, khối nước, số nước, lần, lượt, sản phẩm, sp, "
     "cái, chiếc, hộ, sào, ha, héc ta, hecta, công đoạn, người lao động, nlđ, chuyến, bao, "
     "thùng, hộp, tờ, trang, quyển, cuốn, cặp, suất, suất ăn, tiết học, ca bệnh, trường hợp, "
     "độ c"},
    {W(WORK), "công, ngày công, giờ công, lao động, nhân công, máy, lớp, bộ, hồ sơ, bước, mẫu, khâu, "
     "lỗi, vị trí, điểm, phòng, bàn, xe, lô, lô hàng, mẻ, mã, mã hàng, đơn, đơn hàng, đơn vị, "
     "đoàn viên, nhân viên, cán bộ, giáo viên, thành viên, cn, chị em, anh em, cháu, trẻ, cây, "
     "con, gốc, quả, đôi, cuộc, vòng, tiết, vụ, mùa, túi, tấm, cuộn, viên, can, bình, tủ, "
     "trường, tổ, gia đình, thao tác, bài, bài giảng, phiếu, giường, giường bệnh, khay, pallet, kiện, "
     "tem, nhãn, sợi, khuôn, linh kiện, chi tiết, bản, file, email, cuộc gọi, cuộc họp, tin nhắn, "
     "đợt, ống, lọ, liều, ram, nhóm, gói, phần, thiết bị, dụng cụ, thủ tục, đầu việc, "
     "đề tài"},
    {W(WORK) | W(FILLER), "sáng kiến, sáng kiến này, sk, giải pháp, giải pháp này"}, /* "sáng kiến của em làm lợi 50" (B3) */
    {W(QUANTITY) | W(BENEFIT), "học sinh, em học sinh, bệnh nhân, người dân"},
    {W(HEDGE), "độ"},
    /* R1 */
    {W(HEDGE), "khoảng, khoảng chừng, vào khoảng, tầm, cỡ, chừng, ước, ước tính, ước chừng, ước lượng, "
     "ước khoảng, ước đạt, áng chừng, xấp xỉ, trên dưới, chắc, chắc là, bình quân, trung bình, "
     "đúng, thôi, tất cả, toàn bộ, đâu đó, hình như, có lẽ, dự kiến, tương đương, tức, tức là, "
     "nghĩa là"},
    /* B3: what may stand around a bare number */
    {W(VERB), "tiết kiệm, tiết kiệm được, tk, làm lợi, lợi, có lợi, được, đc, đk, lãi, thu, thu được, "
     "thu về, đạt, mang lại, đem lại, mang về, tăng, tăng thêm, thêm, giá trị, giá trị làm lợi, "
     "hiệu quả, hiệu quả kinh tế, số tiền, làm, trị giá, bằng, có, chi, "
     "gt, gtll"},
    {W(VERB) | W(FILLER), "tính"},
    {W(VERB) | W(NOT_SPAN), "ra"},
    {W(VERB) | W(LESS), "giảm, giảm được, bớt, bớt được, giảm bớt, cắt giảm, tiết giảm, rút ngắn, rút ngắn được, "
     "đỡ, đỡ được"},
    {W(LESS), "rút, sớm, nhanh hơn, sớm hơn, kéo dài, kéo dài thêm, mất, chậm"},
    {W(FILLER), "dạ, vâng, ạ, em, e, anh, chị, anh chị, ad, bot, nhé, nhe, nha, à, ơi, là, thì, cho, "
     "cho em, ghi, nhập, điền, mình, tôi, cũng, nghĩ, thấy, ok, đấy, đó, vậy, rồi, đi, với, "
     "nữa, bao nhiêu, bằng chữ, bằng số, viết bằng chữ, khi, thế, !do, nhờ, vì, của, cứ, theo, "
     "mà"},
    {W(FILLER), "lắm, một chút, một tí, một ít, chút xíu"},
    {W(AT_LEAST), "min"},
    {W(AT_MOST), "max"},
    {W(NOT_SPAN), "đảm bảo, bảo đảm"}, /* known, and neither dăm nor bao */
    /* known, and neither lương nor tiền (X3) */
    {W(NOT_SPAN), "đô thị, tệ nạn, yên xe, yên tâm"}, /* known, and no currency (F2) */
    {W(NOT_SPAN), "sản lượng, số lượng, khối lượng, năng lượng, trọng lượng, dung lượng, lưu lượng, hàm lượng, "
     "cải tiến, tiến độ, tiến trình, tiên tiến, tiến bộ, tiện lợi, tiện ích, phương tiện"},
    /* R2 to R4 */
    {W(TO), "đến, tới"},
    {W(OR), "hoặc, hay"},
    {W(FROM), "từ"},
    {W(BETWEEN) | W(POINT), "giữa"},
    {W(AND), "và"},
    {W(OVER), "hơn, trên, từ trên, vượt, vượt quá"},
    {W(FILLER), "quá"},
    {W(AT_LEAST), "không dưới, chẳng dưới, ít nhất, tối thiểu, thấp nhất, không ít hơn, không kém, "
     "không thấp hơn, không nhỏ hơn, là ít, là ít nhất"},
    {W(UPWARDS), "trở lên, đổ lên"},
    {W(UNDER), "dưới, dưới mức, gần, gần bằng, gần đạt, gần được, gần tới, gần đến, ngót, ngót nghét, non, "
     "ít hơn, thấp hơn, nhỏ hơn, chưa đến, chưa tới, "
     "chưa đầy, không đến, không tới"},
    {W(UNDER) | W(NOT), "chưa được"},
    {W(AT_MOST), "tối đa, không quá, không hơn, không nhiều hơn, "
     "không lớn hơn, không cao hơn, không vượt quá, nhiều nhất, cao nhất, cùng lắm, là cùng"},
    {W(DOWNWARDS), "đổ lại, trở lại, trở xuống, đổ xuống"},
    /* M2, M4 */
    {W(TOTAL), "tổng, tổng cộng, tổng số, tổng lại, tổng là, cộng lại, tổng số tiền"},
    {W(PLUS), "!cộng"},
    {W(MINUS), "trừ, trừ đi"},
    {W(CHANGE), "xuống, còn, lên, xuống còn, chỉ còn"},
    {W(TIMES), "x, nhân, nhân với"},
    /* V1 */
    {W(VAGUE), "vài, vài ba, mấy, dăm, dăm ba, dăm bảy, đôi ba, một đôi, nhiều, rất nhiều, khá nhiều, hàng mấy"},
    {W(ROUNDLY) | W(EACH), "hàng"},
    {W(ROUNDLY) | W(WHOLE), "cả"},
    {W(VAGUE_SUM), "bạc tỷ, bạc tỉ, bạc triệu, tiền tỷ, tiền tỉ, tiền triệu, nhiều tiền"},
    /* P1 to P3 */
    {W(MONTH), "tháng"},
    {W(QUARTER), "quý, quí"},
    {W(DAY), "ngày, ngày làm việc"},
    {W(SHIFT), "ca, kíp, ca làm việc, ca sản xuất"},
    {W(WEEK), "tuần, tuần lễ, học kỳ, học kì, kỳ học"},
    {W(EVERY), "mỗi, từng"},
    {W(EACH), "hằng"},
    {W(WITHIN), "trong, trong vòng"},
    {W(ALWAYS), "nào cũng"},
    {W(THIS), "này, nay, ngoái, trước, qua, vừa qua, vừa rồi"},
    {W(POINT), "đầu, cuối"},
    {W(FROM), "kể từ, bắt đầu từ, tính từ, từ đầu, từ cuối, từ giữa"},
    {W(NOT_SPAN), "đổi, thành, về, trình, định, vị, mô"},
    /* L1 */
    {W(LOSS), "lỗ, thua lỗ, !âm"},
    /* X1: negation of section 2 */
    {W(NOT), "chưa, khó, ko, kh, khg, hok, hk, hông, hem, chẳng, chả, đâu"},
    {W(AS_MONEY), "bằng tiền, ra tiền, thành tiền"},
    /* X2 */
    {W(BENEFIT), "xã hội, cộng đồng, tinh thần, an toàn, tai nạn, môi trường, sạch đẹp, sức khỏe, "
     "chất lượng, uy tín, ý thức, nhận thức, hài lòng, thời gian, năng suất, nsld, atlđ, "
     "atvslđ, thuận tiện, phi kinh tế"},
    /* X3 */
    {W(MONEY), "chi phí, giá thành, doanh thu, lợi nhuận, doanh số, thu nhập, ngân sách, kinh phí, "
     "giá vốn, giá bán, tiền, lương, vốn, !lãi"},
};

enum { LEXEMES_MAX = 640, LEXEME_WORDS = 4, LEXEME_BUCKETS = 1024 };

struct lexeme {
    struct word words[LEXEME_WORDS];
    int words_n;
    const struct row *row;
    bool exact;
    const struct lexeme *next; /* with the same hash of the first word */
};

static struct {
    struct lexeme lexemes[LEXEMES_MAX];
    size_t n;
    const struct lexeme *buckets[LEXEME_BUCKETS];
} compiled;

static pthread_once_t compiled_once = PTHREAD_ONCE_INIT;

static void compile_phrase(const struct row *row, struct letter_reader *reader)
{
    if (compiled.n == LEXEMES_MAX)
        abort(); /* a fault of the table above, met by the first test */
    struct lexeme *lexeme = &compiled.lexemes[compiled.n++];
    lexeme->row = row;
    struct letter letter;
    while (letter_next(reader, &letter) && letter.base != ',') {
        if (letter.base == '!') {
            lexeme->exact = true;
        } else if (letter.base == ' ') {
            if (lexeme->words_n == 0)
                continue; /* the blank behind a comma */
            if (++lexeme->words_n > LEXEME_WORDS)
                abort();
        } else {
            if (lexeme->words_n == 0)
                lexeme->words_n = 1;
            word_add(&lexeme->words[lexeme->words_n - 1], &letter);
        }
    }
    const struct word *first = &lexeme->words[0];
    const struct lexeme **bucket = &compiled.buckets[fold_hash(first->fold, first->n) % LEXEME_BUCKETS];
    lexeme->next = *bucket;
    *bucket = lexeme;
}

static void compile(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct letter_reader reader = {.rest = str_of(rows[i].phrases)};
        while (reader.rest.n > 0 || reader.queued > 0)
            compile_phrase(&rows[i], &reader);
    }
}

/* The short forms of "không" (section 2), as the first word of a phrase: "ko quá 20tr".  "50k dưới" is a thousand. */
static bool says_not(const struct scan *s, int i)
{
    static const char *const forms[] = {"ko", "k", "kh", "khg", "hok", "hk", "hong", "hem"};
    if (!is_word(s, i) || s->token[i].word.tone != TONE_NONE || (is_fold(s, i, "k") && is_digits(s, i - 1)))
        return false;
    for (size_t f = 0; f < ARRAY_LEN(forms); f++)
        if (is_fold(s, i, forms[f]))
            return true;
    return false;
}

static const char NOT[] = "khong";

static bool begins_with_not(const struct lexeme *lexeme)
{
    const struct word *first = &lexeme->words[0];
    return lexeme->words_n > 1 && first->n == sizeof(NOT) - 1 && memcmp(first->fold, NOT, first->n) == 0;
}

static bool lexeme_matches(const struct scan *s, int at, const struct lexeme *lexeme, bool *ret_sure)
{
    *ret_sure = true;
    for (int k = 0; k < lexeme->words_n; k++) {
        if (k == 0 && begins_with_not(lexeme) && says_not(s, at))
            continue;
        if (!is_word(s, at + k) || !word_may_be(&s->token[at + k].word, &lexeme->words[k]))
            return false;
        if (!word_is(&s->token[at + k].word, &lexeme->words[k]))
            *ret_sure = false;
    }
    return *ret_sure || !lexeme->exact;
}

/* What the words at a token can mean, the longest phrase alone. */
struct meaning {
    int words;
    uint64_t may, sure;
    int8_t digit;
};

static void look_up(const struct scan *s, int i, const char *fold, size_t n, struct meaning *m)
{
    const struct lexeme *lexeme = compiled.buckets[fold_hash(fold, n) % LEXEME_BUCKETS];
    for (; lexeme; lexeme = lexeme->next) {
        bool sure;
        if (lexeme->words_n < m->words || !lexeme_matches(s, i, lexeme, &sure))
            continue;
        if (lexeme->words_n > m->words)
            *m = (struct meaning){.words = lexeme->words_n, .digit = -1};
        m->may |= lexeme->row->can;
        if (sure)
            m->sure |= lexeme->row->can;
        if ((lexeme->row->can & W(DIGIT)) && (m->digit < 0 || sure))
            m->digit = lexeme->row->digit;
    }
}

int amount_classify(const struct scan *s, int i, uint64_t *ret_can, int8_t *ret_digit)
{
    pthread_once(&compiled_once, compile);
    const struct word *word = &s->token[i].word;
    struct meaning m = {.digit = -1};
    look_up(s, i, word->fold, word->n, &m);
    if (says_not(s, i))
        look_up(s, i, NOT, sizeof(NOT) - 1, &m);
    /* With its accents a word means itself; without any it may mean every word of the same fold. */
    *ret_can = m.words == 1 && word->marked && m.sure ? m.sure : m.may;
    *ret_digit = m.digit;
    return m.words;
}
