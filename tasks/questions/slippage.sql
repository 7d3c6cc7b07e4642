SELECT strategy_id, CASE WHEN purpose = 'N' THEN 'entry' ELSE 'exit' END AS side_of_day, count(*) AS orders,
  sum(CASE WHEN side = 'BUY' THEN average_price - quote ELSE quote - average_price END * filled_quantity) AS cost,
  avg(date_diff('millisecond', claimed_at, sent_at)) AS ms_to_send,
  max(date_diff('millisecond', claimed_at, sent_at)) AS most_ms_to_send
FROM orders
WHERE trading_date BETWEEN CAST(? AS DATE) AND CAST(? AS DATE) AND filled_quantity > 0 AND quote > 0
GROUP BY strategy_id, CASE WHEN purpose = 'N' THEN 'entry' ELSE 'exit' END
ORDER BY cost DESC
