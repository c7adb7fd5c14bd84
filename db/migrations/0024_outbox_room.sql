-- A claimed or retried reply stays in its page.
--
-- Full pages made a claim write the whole reply, text and buttons, into another page, and lock the old row before. With room beside
-- it only what changed goes into the log. The table holds what is on its way and is nearly always empty, so the room costs nothing.
ALTER TABLE outbox SET (fillfactor = 45);
