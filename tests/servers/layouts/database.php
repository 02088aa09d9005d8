<?php

return [
    'default' => 'mysql',
    'connections' => [
        'mysql' => [
            'driver' => 'mysql',
            'host' => env('DB_HOST', '127.0.0.1'),
            'port' => 3306,
            'options' => array(PDO::ATTR_PERSISTENT => false),
        ],
    ],
    'redis' => ['default' => ['host' => env('REDIS_HOST', '127.0.0.1')]],
];
