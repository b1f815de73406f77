ALTER TABLE trades DROP CONSTRAINT trades_account_place_fill_id_key;
ALTER TABLE trades ADD CONSTRAINT trades_venue_market_symbol_fill_id_key UNIQUE (venue, market, symbol, fill_id);
ALTER TABLE arb_trades DROP CONSTRAINT arb_trades_account_pair_id_round_key;
ALTER TABLE arb_trades ADD CONSTRAINT arb_trades_pair_id_round_key UNIQUE (pair_id, round);
