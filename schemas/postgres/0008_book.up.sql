-- A transaction of an executor in one question. Versions stand for what was read: whoever decided on an account as it
-- stood before, in another epoch, or by another desired state, changes nothing and is told so.
CREATE FUNCTION all_written(what text, written integer, wanted jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF written <> jsonb_array_length(wanted) THEN
        RAISE EXCEPTION 'a row has changed meanwhile: %', what USING ERRCODE = 'serialization_failure';
    END IF;
END
$$;
COMMENT ON FUNCTION all_written IS 'Ends a transaction in which a row was not one version below what is written (E-20)';

CREATE FUNCTION desired_version() RETURNS bigint
LANGUAGE sql STABLE
RETURN (SELECT coalesce(sum(version), 0)::bigint FROM desired_state);
COMMENT ON FUNCTION desired_version IS 'Rises with every change of desired state';

-- Several entries of the audit with one look at its head, which is moved once.
CREATE FUNCTION write_audits(entries jsonb) RETURNS SETOF audit_logs
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    head audit_head;
    entry jsonb;
    made audit_logs;
BEGIN
    SELECT * INTO STRICT head FROM audit_head FOR UPDATE;
    FOR entry IN SELECT e.body FROM jsonb_array_elements(entries) WITH ORDINALITY AS e(body, place) ORDER BY e.place
    LOOP
        made := jsonb_populate_record(NULL::audit_logs, entry);
        made.sequence := head.sequence + 1;
        made.previous_hash := head.hash;
        made.hash := encode(sha256(convert_to(audit_text(
            made.previous_hash, made.sequence::text, made.action::text, made.entity_type, made.entity_id,
            made.old_value, made.new_value, made.reason, made.trace_id, made.success::text, made.error_message,
            made.context, made.actor, made.at_us::text
        ), 'UTF8')), 'hex');
        INSERT INTO audit_logs (
            sequence, action, entity_type, entity_id, old_value, new_value, reason, trace_id, success, error_message,
            context, actor, at_us, previous_hash, hash
        ) VALUES (
            made.sequence, made.action, made.entity_type, made.entity_id, made.old_value, made.new_value, made.reason,
            made.trace_id, made.success, made.error_message, made.context, made.actor, made.at_us, made.previous_hash,
            made.hash
        );
        head.sequence := made.sequence;
        head.hash := made.hash;
        RETURN NEXT made;
    END LOOP;
    UPDATE audit_head SET sequence = head.sequence, hash = head.hash;
END
$$;
COMMENT ON FUNCTION write_audits IS 'The one way into audit_logs';
REVOKE ALL ON FUNCTION write_audits FROM PUBLIC;

CREATE OR REPLACE FUNCTION write_audit(entry jsonb) RETURNS audit_logs
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
RETURN (SELECT w FROM write_audits(jsonb_build_array(entry)) w);
COMMENT ON FUNCTION write_audit IS 'One entry, by write_audits';

CREATE FUNCTION tell_audits(of_account text, after bigint, entries jsonb) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO outbox (stream, number, topic, key, record, body, trace_id)
    SELECT of_account, after + w.ordinality, 'audit', w.entity_type || ':' || w.entity_id, 'tapeline.Audit',
        to_jsonb(w) - 'timestamp' - 'ordinality', w.trace_id
    FROM write_audits(entries) WITH ORDINALITY AS w;
    RETURN after + jsonb_array_length(entries);
END
$$;
COMMENT ON FUNCTION tell_audits IS 'Writes entries of the audit and puts their mirror in an outbox, returns its last number';

CREATE FUNCTION book(
    of_account text, in_epoch bigint, at_version bigint, at_desired bigint, change jsonb,
    OUT verdict text, OUT at_us bigint, OUT epoch_found bigint
)
LANGUAGE plpgsql AS $$
DECLARE
    held accounts;
    written integer;
    told bigint;
BEGIN
    SELECT * INTO held FROM accounts WHERE account = of_account FOR UPDATE;
    at_us := now_us();
    epoch_found := held.epoch;
    verdict := CASE
        WHEN held.epoch IS DISTINCT FROM in_epoch THEN 'epoch'
        WHEN held.lease_until_us <= at_us THEN 'lease'
        WHEN held.version <> at_version OR desired_version() <> at_desired THEN 'version'
        ELSE 'done'
    END;
    IF verdict <> 'done' THEN
        RETURN;
    END IF;
    IF change ? 'intents' THEN
        INSERT INTO intents (intent_id, account, strategy, symbol, slot, round, command, venue, opening, status, code,
            reason, wanted_because, reservation, context, actor, trace_id, first_received_us, decided_us, expires_us,
            taken_us, settled_us, version)
        SELECT intent_id, account, strategy, symbol, slot, round, command, venue, opening, status, code, reason,
            wanted_because, reservation, context, actor, trace_id, first_received_us, decided_us, expires_us,
            taken_us, settled_us, version
        FROM jsonb_populate_recordset(NULL::intents, change -> 'intents')
        ON CONFLICT (intent_id) DO UPDATE SET account = excluded.account, strategy = excluded.strategy,
            symbol = excluded.symbol, slot = excluded.slot, round = excluded.round, command = excluded.command,
            venue = excluded.venue, opening = excluded.opening, status = excluded.status, code = excluded.code,
            reason = excluded.reason, wanted_because = excluded.wanted_because, reservation = excluded.reservation,
            context = excluded.context, actor = excluded.actor, trace_id = excluded.trace_id,
            first_received_us = excluded.first_received_us, decided_us = excluded.decided_us,
            expires_us = excluded.expires_us, taken_us = excluded.taken_us, settled_us = excluded.settled_us,
            version = excluded.version
        WHERE intents.version < excluded.version;
        GET DIAGNOSTICS written = ROW_COUNT;
        PERFORM all_written('intents', written, change -> 'intents');
    END IF;
    IF change ? 'orders' THEN
        INSERT INTO orders (client_order_id, account, intent_id, strategy, symbol, venue, market, leg, part, attempt,
            side, order_type, time_in_force, price, quantity, reduce_only, closing, leverage, tag, expires_us, status,
            filled, filled_value, told_filled, commission, exchange_order_id, code, reason, trace_id, created_us,
            sent_us, cancel_us, answered_us, venue_us, updated_us, version, signal_data)
        SELECT client_order_id, account, intent_id, strategy, symbol, venue, market, leg, part, attempt, side,
            order_type, time_in_force, price, quantity, reduce_only, closing, leverage, tag, expires_us, status,
            filled, filled_value, told_filled, commission, exchange_order_id, code, reason, trace_id, created_us,
            sent_us, cancel_us, answered_us, venue_us, updated_us, version, signal_data
        FROM jsonb_populate_recordset(NULL::orders, change -> 'orders')
        ON CONFLICT (client_order_id) DO UPDATE SET account = excluded.account, intent_id = excluded.intent_id,
            strategy = excluded.strategy, symbol = excluded.symbol, venue = excluded.venue, market = excluded.market,
            leg = excluded.leg, part = excluded.part, attempt = excluded.attempt, side = excluded.side,
            order_type = excluded.order_type, time_in_force = excluded.time_in_force, price = excluded.price,
            quantity = excluded.quantity, reduce_only = excluded.reduce_only, closing = excluded.closing,
            leverage = excluded.leverage, tag = excluded.tag, expires_us = excluded.expires_us,
            status = excluded.status, filled = excluded.filled, filled_value = excluded.filled_value,
            told_filled = excluded.told_filled, commission = excluded.commission,
            exchange_order_id = excluded.exchange_order_id, code = excluded.code, reason = excluded.reason,
            trace_id = excluded.trace_id, created_us = excluded.created_us, sent_us = excluded.sent_us,
            cancel_us = excluded.cancel_us, answered_us = excluded.answered_us, venue_us = excluded.venue_us,
            updated_us = excluded.updated_us, version = excluded.version, signal_data = excluded.signal_data
        WHERE orders.version < excluded.version;
        GET DIAGNOSTICS written = ROW_COUNT;
        PERFORM all_written('orders', written, change -> 'orders');
    END IF;
    IF change ? 'positions' THEN
        INSERT INTO positions (account, venue, market, symbol, life, strategy, status, bought, bought_value, sold,
            sold_value, fees, base_fees, funding, mark_price, leverage, margin, liquidation_price, entry_reason,
            exit_reason, opened_us, closed_us, trace_id, updated_us, version, side, quantity, entry_price,
            unrealized_pnl, realized_pnl, signal_data)
        SELECT account, venue, market, symbol, life, strategy, status, bought, bought_value, sold, sold_value, fees,
            base_fees, funding, mark_price, leverage, margin, liquidation_price, entry_reason, exit_reason, opened_us,
            closed_us, trace_id, updated_us, version, side, quantity, entry_price, unrealized_pnl, realized_pnl,
            signal_data
        FROM jsonb_populate_recordset(NULL::positions, change -> 'positions')
        ON CONFLICT (account, venue, market, symbol, life) DO UPDATE SET strategy = excluded.strategy,
            status = excluded.status, bought = excluded.bought, bought_value = excluded.bought_value,
            sold = excluded.sold, sold_value = excluded.sold_value, fees = excluded.fees,
            base_fees = excluded.base_fees, funding = excluded.funding, mark_price = excluded.mark_price,
            leverage = excluded.leverage, margin = excluded.margin, liquidation_price = excluded.liquidation_price,
            entry_reason = excluded.entry_reason, exit_reason = excluded.exit_reason, opened_us = excluded.opened_us,
            closed_us = excluded.closed_us, trace_id = excluded.trace_id, updated_us = excluded.updated_us,
            version = excluded.version, side = excluded.side, quantity = excluded.quantity,
            entry_price = excluded.entry_price, unrealized_pnl = excluded.unrealized_pnl,
            realized_pnl = excluded.realized_pnl, signal_data = excluded.signal_data
        WHERE positions.version < excluded.version;
        GET DIAGNOSTICS written = ROW_COUNT;
        PERFORM all_written('positions', written, change -> 'positions');
    END IF;
    IF change ? 'slots' THEN
        INSERT INTO slots (account, strategy, symbol, slot, round, intent_id, version)
        SELECT account, strategy, symbol, slot, round, intent_id, version
        FROM jsonb_populate_recordset(NULL::slots, change -> 'slots')
        ON CONFLICT (account, strategy, symbol, slot) DO UPDATE SET round = excluded.round,
            intent_id = excluded.intent_id, version = excluded.version
        WHERE slots.version < excluded.version;
        GET DIAGNOSTICS written = ROW_COUNT;
        PERFORM all_written('slots', written, change -> 'slots');
    END IF;
    IF change ? 'memories' THEN
        INSERT INTO memories (account, strategy, symbol, version, kind, body)
        SELECT account, strategy, symbol, version, kind, body
        FROM jsonb_populate_recordset(NULL::memories, change -> 'memories')
        ON CONFLICT (account, strategy, symbol) DO UPDATE SET version = excluded.version, kind = excluded.kind,
            body = excluded.body
        WHERE memories.version < excluded.version;
        GET DIAGNOSTICS written = ROW_COUNT;
        PERFORM all_written('memories', written, change -> 'memories');
    END IF;
    IF change ? 'portfolios' THEN
        INSERT INTO portfolios (account, strategy, symbol, closed_pnl, taken_offset, version)
        SELECT account, strategy, symbol, closed_pnl, taken_offset, version
        FROM jsonb_populate_recordset(NULL::portfolios, change -> 'portfolios')
        ON CONFLICT (account, strategy, symbol) DO UPDATE SET closed_pnl = excluded.closed_pnl,
            taken_offset = excluded.taken_offset, version = excluded.version
        WHERE portfolios.version < excluded.version;
        GET DIAGNOSTICS written = ROW_COUNT;
        PERFORM all_written('portfolios', written, change -> 'portfolios');
    END IF;
    IF change ? 'pairs' THEN
        INSERT INTO arb_trades (pair_id, round, account, strategy, symbol, state, body, buy_venue, sell_venue, qty,
            buy_open_price, sell_open_price, buy_close_price, sell_close_price, fees, pnl, reason, opened_us,
            closed_us, version)
        SELECT pair_id, round, account, strategy, symbol, state, body, buy_venue, sell_venue, qty, buy_open_price,
            sell_open_price, buy_close_price, sell_close_price, fees, pnl, reason, opened_us, closed_us, version
        FROM jsonb_populate_recordset(NULL::arb_trades, change -> 'pairs')
        ON CONFLICT (account, pair_id, round) DO UPDATE SET strategy = excluded.strategy, symbol = excluded.symbol,
            state = excluded.state, body = excluded.body, buy_venue = excluded.buy_venue,
            sell_venue = excluded.sell_venue, qty = excluded.qty, buy_open_price = excluded.buy_open_price,
            sell_open_price = excluded.sell_open_price, buy_close_price = excluded.buy_close_price,
            sell_close_price = excluded.sell_close_price, fees = excluded.fees, pnl = excluded.pnl,
            reason = excluded.reason, opened_us = excluded.opened_us, closed_us = excluded.closed_us,
            version = excluded.version
        WHERE arb_trades.version < excluded.version;
        GET DIAGNOSTICS written = ROW_COUNT;
        PERFORM all_written('pairs', written, change -> 'pairs');
    END IF;
    IF change ? 'blocks' THEN
        INSERT INTO blocks (account, venue, market, symbol, reason, since_us)
        SELECT account, venue, market, symbol, reason, since_us
        FROM jsonb_populate_recordset(NULL::blocks, change -> 'blocks')
        ON CONFLICT (account, venue, market, symbol) DO UPDATE SET reason = excluded.reason;
        GET DIAGNOSTICS written = ROW_COUNT;
        PERFORM all_written('blocks', written, change -> 'blocks');
    END IF;
    IF change ? 'unblocked' THEN
        DELETE FROM blocks b USING jsonb_populate_recordset(NULL::blocks, change -> 'unblocked') f
        WHERE (b.account, b.venue, b.market, b.symbol) = (f.account, f.venue, f.market, f.symbol);
        GET DIAGNOSTICS written = ROW_COUNT;
        PERFORM all_written('unblocked', written, change -> 'unblocked');
    END IF;
    IF change ? 'fills' THEN
        INSERT INTO trades (order_id, position_id, account, venue, market, symbol, fill_id, client_order_id, side,
            price, quantity, fee, fee_currency, fee_quote, liquidity, cause, filled_us)
        SELECT
            (SELECT o.id FROM orders o WHERE o.client_order_id = f.client_order_id),
            (SELECT p.id FROM positions p WHERE (p.account, p.venue, p.market, p.symbol) =
                (f.account, f.venue, f.market, f.symbol) ORDER BY p.life DESC LIMIT 1),
            f.account, f.venue, f.market, f.symbol, f.fill_id, f.client_order_id, f.side, f.price, f.quantity, f.fee,
            f.fee_currency, f.fee_quote, f.liquidity, f.cause, f.filled_us
        FROM jsonb_array_elements(change -> 'fills') WITH ORDINALITY AS e(body, place),
            LATERAL jsonb_populate_record(NULL::trades, e.body) f
        ORDER BY e.place;
        GET DIAGNOSTICS written = ROW_COUNT;
        PERFORM all_written('fills', written, change -> 'fills');
    END IF;
    IF change ? 'payments' THEN
        INSERT INTO funding_payments (position_id, account, venue, market, symbol, payment_id, amount, currency,
            paid_us)
        SELECT
            (SELECT p.id FROM positions p WHERE (p.account, p.venue, p.market, p.symbol, p.life) =
                (f.account, f.venue, f.market, f.symbol, (e.body ->> 'life')::bigint)),
            f.account, f.venue, f.market, f.symbol, f.payment_id, f.amount, f.currency, f.paid_us
        FROM jsonb_array_elements(change -> 'payments') e(body),
            LATERAL jsonb_populate_record(NULL::funding_payments, e.body) f
        ON CONFLICT (account, venue, market, symbol, payment_id) DO UPDATE SET position_id = excluded.position_id
        WHERE funding_payments.position_id IS NULL;
        GET DIAGNOSTICS written = ROW_COUNT;
        PERFORM all_written('payments', written, change -> 'payments');
    END IF;
    IF change ? 'offsets' THEN
        INSERT INTO intake_offsets (account, partition, next)
        SELECT of_account, f.partition, f.next FROM jsonb_populate_recordset(NULL::intake_offsets, change -> 'offsets') f
        ON CONFLICT (account, partition) DO UPDATE SET next = excluded.next WHERE intake_offsets.next < excluded.next;
    END IF;
    -- Where only offsets move nothing is told.
    IF NOT change ? 'event_sequence' THEN
        RETURN;
    END IF;
    told := held.outbox_sequence;
    IF change ? 'outgoing' THEN
        INSERT INTO outbox (stream, number, topic, key, symbol, record, body, trace_id)
        SELECT of_account, told + e.place, f.topic, f.key, f.symbol, f.record, f.body, f.trace_id
        FROM jsonb_array_elements(change -> 'outgoing') WITH ORDINALITY AS e(body, place),
            LATERAL jsonb_populate_record(NULL::outbox, e.body) f;
        told := told + jsonb_array_length(change -> 'outgoing');
    END IF;
    IF change ? 'audits' THEN
        told := tell_audits(of_account, told, change -> 'audits');
    END IF;
    UPDATE accounts SET version = version + 1, outbox_sequence = told,
        event_sequence = (change ->> 'event_sequence')::bigint, balances = coalesce(change -> 'balances', balances)
    WHERE account = of_account;
END
$$;
COMMENT ON FUNCTION book IS 'All that one transaction of an executor writes, or nothing where it may not';
