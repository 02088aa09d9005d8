INSERT INTO wp_options (option_name, option_value) VALUES ('_transient_feed', REPEAT('feed', 20000));
UPDATE wp_options SET option_value = REPEAT('a:2;', 300) WHERE option_name = 'cron';
UPDATE wp_options SET option_value = 'x', autoload = 'no' WHERE option_name = 'empty';
INSERT INTO wp_posts (post_date, post_content, post_title, post_excerpt, post_content_filtered) VALUES ('2026-01-01', REPEAT('new', 9), 'new', '', '');
UPDATE wp_posts SET post_content = CONCAT(post_content, '!'), post_status = 'draft' WHERE ID < 5;
UPDATE wp_postmeta SET meta_value = 'only the LOB' WHERE meta_id = 7;
DELETE FROM wp_posts WHERE ID = 9;
