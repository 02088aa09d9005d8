INSERT INTO wp_options (option_name, option_value) VALUES ('after', 'the move');
UPDATE wp_options SET option_value = 'again' WHERE option_name = 'cron';
INSERT INTO wp_posts (post_content, post_title, post_excerpt, post_content_filtered) VALUES ('after', 'a', '', '');
