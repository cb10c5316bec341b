-- Every source that was ever tried: when it was last read, and what failed since.
SELECT tried.source, readings.succeeded_at, readings.position, readings.definition,
       max(since.at) AS failed_at, count(since.number) AS failures,
       last.reason_ja, last.reason_en
FROM (SELECT source FROM readings UNION SELECT source FROM failed_readings WHERE is_of_source = 1) AS tried
LEFT JOIN readings ON readings.source = tried.source
LEFT JOIN failed_readings AS since
       ON since.source = tried.source AND since.is_of_source = 1 AND since.number > coalesce(readings.settled, 0)
LEFT JOIN failed_readings AS last
       ON last.number = (SELECT max(number) FROM failed_readings
                         WHERE source = tried.source AND is_of_source = 1 AND number > coalesce(readings.settled, 0))
GROUP BY tried.source, readings.succeeded_at, readings.position, readings.definition, last.reason_ja, last.reason_en
ORDER BY tried.source
