SET sql_mode = '';
INSERT INTO wp_options (option_name, option_value) VALUES ('siteurl', 'https://shop.example'), ('cron', REPEAT('a:1;', 200)), ('empty', '');
INSERT INTO wp_posts (post_content, post_title, post_excerpt, post_content_filtered) SELECT REPEAT('글 ', seq * 100), seq, '', '' FROM seq_1_to_30;
INSERT INTO wp_postmeta (post_id, meta_key, meta_value) SELECT seq, '_edit_lock', IF(seq = 3, NULL, seq) FROM seq_1_to_30;
