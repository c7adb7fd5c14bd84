-- What a day on which replies alone exceed the pace needs to know of a reply.
--
-- answers: it answers what its reader wrote, so the next such answer says where the talk is and this one need not be sent any more.
-- Not so what came of itself: receipts, what people say to each other, news.
ALTER TABLE outbox ADD COLUMN answers boolean NOT NULL DEFAULT false;
