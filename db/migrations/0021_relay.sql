-- What a contact quotes may be the bot's own word about a ticket, and what a contact sends may be a file.

-- Null: nobody's words; when such a notice is lost nothing has to be told.
ALTER TABLE ticket_relay ALTER COLUMN contact DROP NOT NULL;

-- A file that a reply is: the token of its upload.  Such a reply has no words of its own at Zalo; `text` is what the transcript keeps.
ALTER TABLE outbox ADD COLUMN file_token text COLLATE "C";
