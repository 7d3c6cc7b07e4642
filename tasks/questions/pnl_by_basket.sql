SELECT basket_id, max(basket) AS basket, count(DISTINCT trading_date) AS days, sum(traded_orders) AS orders,
  sum(gross) AS gross, sum(charges) AS charges, sum(net) AS net
FROM leg_pnl
WHERE trading_date BETWEEN CAST(? AS DATE) AND CAST(? AS DATE)
GROUP BY basket_id
ORDER BY net DESC
