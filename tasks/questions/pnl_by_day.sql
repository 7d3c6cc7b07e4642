SELECT trading_date, sum(traded_orders) AS orders, sum(gross) AS gross, sum(charges) AS charges, sum(net) AS net
FROM leg_pnl
WHERE trading_date BETWEEN CAST(? AS DATE) AND CAST(? AS DATE)
GROUP BY trading_date
ORDER BY trading_date
