SELECT strategy_id, max(strategy) AS strategy, count(DISTINCT trading_date) AS days, sum(traded_orders) AS orders,
  sum(gross) AS gross, sum(charges) AS charges, sum(net) AS net
FROM leg_pnl
WHERE trading_date BETWEEN CAST(? AS DATE) AND CAST(? AS DATE)
GROUP BY strategy_id
ORDER BY net DESC
