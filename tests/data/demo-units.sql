-- An example tree of union units for the demo and the tests: the province's shape, invented establishments.
--
-- name_key and alias_key hold what names are compared by (handlers/reading/unit_name.h), which the application makes on import.
-- Ids are stable, so loading it again changes nothing.

INSERT INTO union_unit (id, code, name, name_key, parent_id, level, kind, cluster, valid_from, valid_to) VALUES
    (1, 'T', 'Liên đoàn Lao động tỉnh', 'lien doan lao dong tinh', NULL, 1, 'province_unit', NULL, '2023-01-01', NULL),
    (10, 'H1', 'Liên đoàn Lao động thành phố Bắc Giang', 'lien doan lao dong thanh pho bac giang', 1, 2, 'upper_unit', 'Cụm huyện, thành phố', '2023-01-01', NULL),
    (11, 'H2', 'Liên đoàn Lao động huyện Việt Yên', 'lien doan lao dong huyen viet yen', 1, 2, 'upper_unit', 'Cụm huyện, thành phố', '2023-01-01', NULL),
    (12, 'H3', 'Liên đoàn Lao động huyện Hiệp Hòa', 'lien doan lao dong huyen hiep hoa', 1, 2, 'upper_unit', 'Cụm huyện, thành phố', '2023-01-01', NULL),
    (13, 'H4', 'Liên đoàn Lao động huyện Yên Dũng', 'lien doan lao dong huyen yen dung', 1, 2, 'upper_unit', 'Cụm huyện, thành phố', '2023-01-01', NULL),
    (14, 'H5', 'Liên đoàn Lao động huyện Lạng Giang', 'lien doan lao dong huyen lang giang', 1, 2, 'upper_unit', 'Cụm huyện, thành phố', '2023-01-01', NULL),
    (15, 'H6', 'Liên đoàn Lao động huyện Tân Yên', 'lien doan lao dong huyen tan yen', 1, 2, 'upper_unit', 'Cụm huyện, thành phố', '2023-01-01', NULL),
    (20, 'N1', 'Công đoàn ngành Giáo dục', 'nganh giao duc', 1, 2, 'upper_unit', 'Cụm ngành', '2023-01-01', NULL),
    (21, 'N2', 'Công đoàn ngành Y tế', 'nganh y te', 1, 2, 'upper_unit', 'Cụm ngành', '2023-01-01', NULL),
    (22, 'N3', 'Công đoàn Viên chức tỉnh', 'vien chuc tinh', 1, 2, 'upper_unit', 'Cụm ngành', '2023-01-01', NULL),
    (30, 'K', 'Công đoàn các Khu công nghiệp tỉnh', 'cac khu cong nghiep tinh', 1, 2, 'upper_unit', 'Cụm khu công nghiệp', '2023-01-01', NULL),
    (100, 'K01', 'CĐCS Công ty TNHH Điện tử Bình Minh Xanh', 'cong ty dien tu binh minh xanh', 30, 3, 'grassroots_unit', 'Cụm khu công nghiệp', '2023-01-01', NULL),
    (101, 'K02', 'CĐCS Công ty TNHH Linh kiện Sông Thương Trắng', 'cong ty linh kien song thuong trang', 30, 3, 'grassroots_unit', 'Cụm khu công nghiệp', '2023-01-01', NULL),
    (102, 'K03', 'CĐCS Công ty CP Cơ khí chính xác Đá Vàng', 'cong ty co khi chinh xac da vang', 30, 3, 'grassroots_unit', 'Cụm khu công nghiệp', '2023-01-01', NULL),
    (103, 'K04', 'CĐCS Công ty TNHH Bao bì Lá Cọ', 'cong ty bao bi la co', 30, 3, 'grassroots_unit', 'Cụm khu công nghiệp', '2023-01-01', NULL),
    (104, 'K05', 'CĐCS Công ty TNHH Quang điện Mắt Biếc', 'cong ty quang dien mat biec', 30, 3, 'grassroots_unit', 'Cụm khu công nghiệp', '2023-01-01', NULL),
    (105, 'K06', 'CĐCS Công ty CP Nhựa kỹ thuật Ong Vàng', 'cong ty nhua ky thuat ong vang', 30, 3, 'grassroots_unit', 'Cụm khu công nghiệp', '2023-01-01', NULL),
    (106, 'K07', 'CĐCS Công ty TNHH Dây cáp Sợi Bạc', 'cong ty day cap soi bac', 30, 3, 'grassroots_unit', 'Cụm khu công nghiệp', '2023-01-01', NULL),
    (107, 'K08', 'CĐCS Công ty TNHH Pin Năng Lượng Hạt Mầm', 'cong ty pin nang luong hat mam', 30, 3, 'grassroots_unit', 'Cụm khu công nghiệp', '2023-01-01', NULL),
    (120, 'H101', 'CĐCS Công ty CP May Suối Ngọc', 'cong ty may suoi ngoc', 10, 3, 'grassroots_unit', 'Cụm huyện, thành phố', '2023-01-01', NULL),
    (121, 'H102', 'CĐCS Hợp tác xã Môi trường Phố Cũ', 'hop tac xa moi truong pho cu', 10, 3, 'grassroots_unit', 'Cụm huyện, thành phố', '2023-01-01', NULL),
    (122, 'H203', 'CĐCS Công ty TNHH May Hoa Gạo Đỏ', 'cong ty may hoa gao do', 11, 3, 'grassroots_unit', 'Cụm huyện, thành phố', '2023-01-01', NULL),
    (123, 'H204', 'CĐCS Công ty TNHH Gỗ Rừng Thông Nhỏ', 'cong ty go rung thong nho', 11, 3, 'grassroots_unit', 'Cụm huyện, thành phố', '2023-01-01', NULL),
    (124, 'H305', 'CĐCS Công ty CP Giày Bước Xa', 'cong ty giay buoc xa', 12, 3, 'grassroots_unit', 'Cụm huyện, thành phố', '2023-01-01', NULL),
    (125, 'H306', 'CĐCS Công ty TNHH Thực phẩm Vải Chín', 'cong ty thuc pham vai chin', 12, 3, 'grassroots_unit', 'Cụm huyện, thành phố', '2023-01-01', NULL),
    (126, 'H407', 'CĐCS Công ty CP Gạch Lò Đỏ', 'cong ty gach lo do', 13, 3, 'grassroots_unit', 'Cụm huyện, thành phố', '2023-01-01', NULL),
    (127, 'H508', 'CĐCS Công ty CP Phân bón Đồng Xanh Mới', 'cong ty phan bon dong xanh moi', 14, 3, 'grassroots_unit', 'Cụm huyện, thành phố', '2023-01-01', NULL),
    (128, 'H609', 'CĐCS Công ty TNHH Thêu Chỉ Vàng', 'cong ty theu chi vang', 15, 3, 'grassroots_unit', 'Cụm huyện, thành phố', '2023-01-01', NULL),
    (140, 'N101', 'CĐCS Trường THPT Đồi Thông', 'truong thpt doi thong', 20, 3, 'grassroots_unit', 'Cụm ngành', '2023-01-01', NULL),
    (141, 'N102', 'CĐCS Trường THPT Bến Gỗ', 'truong thpt ben go', 20, 3, 'grassroots_unit', 'Cụm ngành', '2023-01-01', NULL),
    (142, 'N103', 'CĐCS Trường THCS Hoa Cau', 'truong thcs hoa cau', 20, 3, 'grassroots_unit', 'Cụm ngành', '2023-01-01', NULL),
    (143, 'N104', 'CĐCS Trường Tiểu học Cầu Vồng', 'truong tieu hoc cau vong', 20, 3, 'grassroots_unit', 'Cụm ngành', '2023-01-01', NULL),
    (144, 'N105', 'CĐCS Trường Mầm non Búp Măng', 'truong mam non bup mang', 20, 3, 'grassroots_unit', 'Cụm ngành', '2023-01-01', NULL),
    (150, 'N201', 'CĐCS Bệnh viện Đa khoa Hồ Sen Trắng', 'benh vien da khoa ho sen trang', 21, 3, 'grassroots_unit', 'Cụm ngành', '2023-01-01', NULL),
    (151, 'N202', 'CĐCS Trung tâm Y tế Suối Đá', 'trung tam y te suoi da', 21, 3, 'grassroots_unit', 'Cụm ngành', '2023-01-01', NULL),
    (152, 'N203', 'CĐCS Bệnh viện Phục hồi chức năng Tre Xanh', 'benh vien phuc hoi chuc nang tre xanh', 21, 3, 'grassroots_unit', 'Cụm ngành', '2023-01-01', NULL),
    (160, 'N301', 'CĐCS Trung tâm Lưu trữ Mái Ngói', 'trung tam luu tru mai ngoi', 22, 3, 'grassroots_unit', 'Cụm ngành', '2023-01-01', NULL),
    (161, 'N302', 'CĐCS Văn phòng Một cửa Cửa Mở', 'van phong mot cua cua mo', 22, 3, 'grassroots_unit', 'Cụm ngành', '2023-01-01', NULL),
    (170, 'T01', 'CĐCS Công ty Thủy nông Nước Trong', 'cong ty thuy nong nuoc trong', 1, 3, 'grassroots_unit', 'Cụm trực thuộc', '2023-01-01', NULL),
    (171, 'T02', 'CĐCS Công ty Xổ số Cỏ Bốn Lá', 'cong ty xo so co bon la', 1, 3, 'grassroots_unit', 'Cụm trực thuộc', '2023-01-01', NULL),
    (200, 'B01', 'Tổ công đoàn Chuyền hàn 1', 'to cong doan chuyen han 1', 100, 4, 'section', NULL, '2023-01-01', NULL),
    (201, 'B02', 'Tổ công đoàn Chuyền lắp ráp 2', 'to cong doan chuyen lap rap 2', 100, 4, 'section', NULL, '2023-01-01', NULL),
    (202, 'B03', 'Tổ công đoàn Kho vận', 'to cong doan kho van', 101, 4, 'section', NULL, '2023-01-01', NULL),
    (203, 'B04', 'Công đoàn bộ phận Khoa Khám bệnh', 'bo phan khoa kham benh', 150, 4, 'section', NULL, '2023-01-01', NULL)
ON CONFLICT DO NOTHING;

INSERT INTO unit_alias (unit_id, alias, alias_key) VALUES
    (100, 'Bình Minh Xanh', 'binh minh xanh'),
    (100, 'BMX', 'bmx'),
    (101, 'Sông Thương Trắng', 'song thuong trang'),
    (102, 'Đá Vàng', 'da vang'),
    (120, 'May Suối Ngọc', 'may suoi ngoc'),
    (122, 'May Hoa Gạo', 'may hoa gao'),
    (140, 'THPT Đồi Thông', 'thpt doi thong'),
    (150, 'BVĐK Hồ Sen Trắng', 'benh vien da khoa ho sen trang'),
    (30, 'Công đoàn KCN', 'khu cong nghiep')
ON CONFLICT DO NOTHING;
