DROP TABLE funding_payments;
