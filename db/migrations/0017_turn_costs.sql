-- What a turn costs the database, second part.

-- Where a unit's name leads today: to itself, or once it is no more to the unit of its level that took it in, if there is one.
CREATE VIEW unit_now AS
SELECT n.id, u.id AS now_id
FROM union_unit n
JOIN union_unit u ON u.id = ANY (n.path) AND u.level >= n.level AND (u.id = n.id OR n.valid_to <= current_date)
WHERE (u.valid_from IS NULL OR u.valid_from <= current_date) AND (u.valid_to IS NULL OR u.valid_to > current_date);
