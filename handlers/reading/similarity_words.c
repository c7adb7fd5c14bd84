/* Weights of words: see similarity_words.h.
 *
 * Words of grammar, of counting and of praising weigh nothing; the others by how many of 627 initiatives have them
 * (log of the share, as in tf-idf).  A word that is not here is rare. */
#include "similarity_words.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    char fold[8];
    uint8_t weight;
};

/* Sorted, for bsearch; y behind a consonant written i. */
static const struct entry entries[] = {
    {"ai", 11}, {"am", 11}, {"an", 10}, {"anh", 9}, {"ao", 9}, {"ap", 12}, {"ba", 0}, {"bai", 11}, {"bam", 13}, {"ban", 5},
    {"bang", 0}, {"banh", 11}, {"bao", 7}, {"bat", 10}, {"bay", 12}, {"be", 11}, {"ben", 13}, {"benh", 9}, {"bi", 0}, {"bia", 13},
    {"bien", 10}, {"biet", 11}, {"binh", 12}, {"bo", 6}, {"boc", 10}, {"boi", 0}, {"bom", 11}, {"bon", 0}, {"bong", 11},
    {"bot", 0}, {"bui", 11}, {"buoc", 13}, {"buoi", 0}, {"buong", 13}, {"ca", 0}, {"cac", 0}, {"cach", 0}, {"cai", 10},
    {"cam", 10}, {"camera", 13}, {"can", 8}, {"canh", 9}, {"cao", 9}, {"cap", 8}, {"cat", 8}, {"cau", 9}, {"cay", 12},
    {"chai", 12}, {"cham", 8}, {"chan", 8}, {"chay", 8}, {"che", 9}, {"chen", 12}, {"cheo", 13}, {"chet", 12}, {"chi", 8},
    {"chia", 10}, {"chiec", 12}, {"chieu", 0}, {"chinh", 12}, {"cho", 0}, {"choi", 11}, {"chong", 10}, {"chot", 12}, {"chu", 12},
    {"chua", 10}, {"chung", 0}, {"chuong", 10}, {"chup", 11}, {"chuyen", 7}, {"co", 0}, {"con", 0}, {"cong", 6}, {"cu", 0},
    {"cua", 0}, {"cuc", 13}, {"cui", 13}, {"cung", 0}, {"cuoi", 12}, {"cuon", 10}, {"cuu", 12}, {"da", 0}, {"dai", 10},
    {"dan", 6}, {"dang", 0}, {"danh", 10}, {"dao", 12}, {"dap", 9}, {"dat", 6}, {"dau", 6}, {"day", 0}, {"de", 0}, {"dem", 11},
    {"den", 0}, {"deo", 12}, {"deu", 0}, {"di", 7}, {"dich", 13}, {"diem", 9}, {"dien", 7}, {"dieu", 13}, {"dinh", 9}, {"do", 0},
    {"doan", 11}, {"doc", 10}, {"doi", 7}, {"don", 12}, {"dong", 6}, {"dot", 11}, {"du", 10}, {"dua", 11}, {"duc", 11},
    {"dun", 13}, {"dung", 0}, {"duoc", 0}, {"duoi", 0}, {"duong", 8}, {"em", 0}, {"ep", 10}, {"ga", 10}, {"gan", 7}, {"gap", 8},
    {"gat", 12}, {"gay", 11}, {"ghep", 9}, {"ghi", 11}, {"gia", 8}, {"giai", 0}, {"giam", 0}, {"gian", 9}, {"giao", 9},
    {"giay", 0}, {"gieo", 13}, {"gio", 0}, {"giong", 13}, {"giu", 10}, {"giua", 10}, {"go", 12}, {"goc", 10}, {"goi", 10},
    {"gom", 10}, {"gop", 11}, {"gui", 10}, {"hai", 0}, {"han", 7}, {"hang", 6}, {"hanh", 13}, {"hap", 13}, {"hat", 12},
    {"hay", 0}, {"he", 11}, {"hen", 12}, {"het", 0}, {"hiem", 12}, {"hien", 0}, {"hieu", 0}, {"hinh", 10}, {"ho", 9}, {"hoa", 12},
    {"hoat", 13}, {"hoc", 7}, {"hoi", 9}, {"hon", 0}, {"hong", 11}, {"hop", 9}, {"huong", 13}, {"hut", 10}, {"in", 10}, {"it", 0},
    {"ke", 9}, {"keo", 9}, {"kep", 13}, {"ket", 0}, {"kg", 11}, {"khach", 10}, {"kham", 11}, {"khau", 12}, {"khay", 10},
    {"khi", 0}, {"kho", 8}, {"khoa", 10}, {"khoan", 13}, {"khoang", 11}, {"khoi", 0}, {"khong", 0}, {"khu", 13}, {"khung", 12},
    {"khuon", 10}, {"ki", 10}, {"kia", 0}, {"kich", 13}, {"kiem", 0}, {"kien", 10}, {"kim", 12}, {"kin", 11}, {"kip", 13},
    {"la", 0}, {"lac", 13}, {"lai", 0}, {"lam", 0}, {"lan", 0}, {"lang", 10}, {"lanh", 12}, {"lao", 13}, {"lap", 6},
    {"laser", 13}, {"lat", 13}, {"lau", 10}, {"lay", 8}, {"le", 9}, {"lech", 12}, {"led", 12}, {"len", 0}, {"li", 11},
    {"lich", 9}, {"lien", 11}, {"lieu", 11}, {"linh", 11}, {"lo", 7}, {"loa", 12}, {"loai", 10}, {"loc", 11}, {"loi", 8},
    {"lon", 12}, {"lop", 8}, {"lot", 13}, {"lua", 13}, {"luc", 0}, {"lung", 13}, {"luoi", 11}, {"luong", 10}, {"luot", 13},
    {"luu", 12}, {"ma", 0}, {"mach", 13}, {"mai", 11}, {"mam", 13}, {"man", 13}, {"mang", 11}, {"mat", 6}, {"mau", 7}, {"may", 5},
    {"mem", 12}, {"met", 11}, {"minh", 0}, {"mini", 13}, {"mo", 9}, {"moc", 13}, {"moi", 0}, {"mon", 13}, {"mot", 0}, {"mua", 7},
    {"muc", 10}, {"mui", 13}, {"muoi", 10}, {"muon", 12}, {"nai", 13}, {"nam", 0}, {"nan", 13}, {"nang", 8}, {"nao", 9},
    {"nap", 12}, {"nay", 0}, {"nen", 0}, {"nga", 13}, {"ngai", 13}, {"ngan", 11}, {"ngay", 0}, {"nghe", 13}, {"nghi", 13},
    {"nghiem", 12}, {"nghin", 12}, {"ngoai", 0}, {"ngoi", 12}, {"nguoi", 6}, {"nguon", 13}, {"nguy", 13}, {"nguyen", 11},
    {"nha", 9}, {"nhac", 11}, {"nham", 11}, {"nhan", 6}, {"nhanh", 8}, {"nhat", 0}, {"nhau", 11}, {"nhe", 13}, {"nhiet", 9},
    {"nhieu", 0}, {"nho", 0}, {"nhom", 0}, {"nhu", 0}, {"nhua", 8}, {"nhung", 0}, {"nilon", 12}, {"noi", 8}, {"non", 12},
    {"nong", 9}, {"nua", 0}, {"nuoc", 8}, {"nut", 12}, {"o", 0}, {"on", 11}, {"ong", 9}, {"phai", 0}, {"pham", 8}, {"phan", 7},
    {"phap", 0}, {"phat", 9}, {"phe", 12}, {"pheu", 13}, {"phi", 10}, {"phieu", 11}, {"phoi", 12}, {"phong", 9}, {"phu", 10},
    {"phun", 9}, {"phut", 0}, {"pin", 13}, {"qr", 13}, {"qua", 0}, {"quan", 11}, {"quang", 12}, {"quanh", 12}, {"quat", 10},
    {"quay", 9}, {"quen", 13}, {"quet", 11}, {"quy", 11}, {"ra", 0}, {"rac", 12}, {"rach", 12}, {"ranh", 12}, {"rat", 0},
    {"rau", 12}, {"rieng", 10}, {"ro", 11}, {"roi", 0}, {"rong", 12}, {"rua", 11}, {"rung", 12}, {"sach", 10}, {"san", 7},
    {"sang", 0}, {"sat", 10}, {"sau", 0}, {"say", 11}, {"se", 0}, {"sinh", 8}, {"so", 6}, {"soan", 13}, {"soi", 11}, {"som", 12},
    {"son", 13}, {"song", 11}, {"sot", 12}, {"su", 10}, {"sua", 10}, {"suat", 10}, {"ta", 0}, {"tac", 10}, {"tach", 11},
    {"tai", 0}, {"tam", 9}, {"tan", 9}, {"tang", 0}, {"tao", 11}, {"tap", 12}, {"tay", 7}, {"te", 11}, {"tem", 13}, {"ten", 12},
    {"tha", 13}, {"thai", 13}, {"tham", 12}, {"than", 12}, {"thang", 0}, {"thanh", 0}, {"thao", 12}, {"thap", 13}, {"thay", 0},
    {"the", 11}, {"them", 8}, {"theo", 0}, {"thep", 12}, {"thi", 0}, {"thiec", 13}, {"thieu", 11}, {"tho", 10}, {"thoai", 12},
    {"thoi", 8}, {"thon", 11}, {"thong", 11}, {"thu", 7}, {"thua", 11}, {"thuc", 0}, {"thue", 12}, {"thung", 9}, {"thuoc", 8},
    {"thuong", 13}, {"thuy", 13}, {"ti", 10}, {"tien", 9}, {"tieng", 13}, {"tiep", 13}, {"tiet", 0}, {"tim", 11}, {"tin", 11},
    {"tinh", 9}, {"to", 8}, {"toan", 11}, {"toi", 0}, {"ton", 9}, {"tra", 8}, {"trai", 12}, {"tram", 11}, {"tran", 12},
    {"trang", 0}, {"tre", 11}, {"tren", 0}, {"treo", 8}, {"tri", 12}, {"trinh", 12}, {"tro", 12}, {"troi", 12}, {"tron", 12},
    {"trong", 0}, {"tru", 12}, {"truc", 10}, {"trung", 13}, {"truoc", 0}, {"truong", 8}, {"truot", 13}, {"tu", 0}, {"tuan", 0},
    {"tuc", 13}, {"tui", 10}, {"tung", 7}, {"tuoi", 11}, {"tuyen", 12}, {"u", 13}, {"va", 0}, {"vach", 11}, {"vai", 7},
    {"van", 8}, {"vang", 13}, {"vao", 0}, {"vat", 11}, {"vay", 0}, {"ve", 0}, {"vi", 0}, {"vien", 8}, {"viet", 12}, {"vit", 10},
    {"vo", 11}, {"voi", 0}, {"vong", 10}, {"vot", 13}, {"vu", 10}, {"vua", 13}, {"vun", 12}, {"vung", 13}, {"vuon", 12},
    {"xa", 9}, {"xanh", 13}, {"xay", 13}, {"xe", 7}, {"xep", 10}, {"xi", 12}, {"xin", 13}, {"xo", 12}, {"xoay", 11}, {"xong", 11},
    {"xop", 13}, {"xu", 13}, {"xuong", 0}, {"y", 11}, {"yeu", 11}, {"zalo", 12},
};

static int by_fold(const void *key, const void *entry)
{
    return strcmp(key, ((const struct entry *)entry)->fold);
}

uint8_t similarity_word_weight(struct str fold)
{
    char key[sizeof(entries[0].fold)];
    if (fold.n >= sizeof(key))
        return WORD_WEIGHT_MAX;
    memcpy(key, fold.p, fold.n);
    key[fold.n] = '\0';
    const struct entry *found = bsearch(key, entries, ARRAY_LEN(entries), sizeof(entries[0]), by_fold);
    return found ? found->weight : WORD_WEIGHT_MAX;
}
