SELECT trading_date, claimed_at, account, strategy_id, side, quantity, symbol, status, filled_quantity,
  average_price, reason
FROM orders
WHERE trading_date BETWEEN CAST(? AS DATE) AND CAST(? AS DATE)
ORDER BY claimed_at
