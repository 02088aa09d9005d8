<?php
/**
 * The base configuration for WordPress
 * define( 'DB_HOST', 'in a comment' );
 */
define( 'DB_NAME', 'wordpress' );
define( 'DB_USER', 'old' );
define( 'DB_PASSWORD', 'it\'s old; really )' );
// define( 'DB_HOST', 'elsewhere' );
define( 'DB_HOST', getenv('WP_DB') ? getenv('WP_DB') : 'localhost' );
define( 'DB_CHARSET', 'utf8mb4' );
define( 'AUTH_KEY', 'a )b; "DB_HOST" $x #' );
$table_prefix = 'wp_';
if ( ! defined( 'ABSPATH' ) ) {
	define( 'ABSPATH', __DIR__ . '/' );
}
require_once ABSPATH . 'wp-settings.php';
