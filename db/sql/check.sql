-- What `sangkien check` asks the server about itself.

-- name: check_server
-- Its clock in epoch ms (not the transaction's), its version, may it be written to, is the similarity of texts at hand?
SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint, current_setting('server_version'), NOT pg_is_in_recovery(),
       EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm');
