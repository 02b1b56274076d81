-- What a user's own voicemail box holds, in seconds; NULL: as much as the site's.
ALTER TABLE users ADD COLUMN voicemail_quota_s INTEGER;
