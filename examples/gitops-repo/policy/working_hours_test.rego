package main

import rego.v1

changing(timestamp, effect) := object.union(having({"is_disabled": effect}), {"timestamp": timestamp})

closed := {"caas/1/76/web: grants access outside working hours (Europe/Luxembourg)"}

# In June it is two hours later in Luxembourg than in UTC, in January one.
test_a_grant_on_a_weekday_passes if {
	count(deny) == 0 with input as changing("2026-06-01T06:00:00Z", "grants")
	count(deny) == 0 with input as changing("2026-06-01T14:59:59Z", "grants")
}

test_a_grant_too_early_or_too_late_is_denied if {
	deny == closed with input as changing("2026-06-01T05:59:59Z", "grants")
	deny == closed with input as changing("2026-06-01T15:00:00Z", "grants")
	deny == closed with input as changing("2026-01-05T06:30:00Z", "grants")
}

test_a_grant_at_the_weekend_is_denied if {
	deny == closed with input as changing("2026-06-06T10:00:00Z", "grants")
	deny == closed with input as changing("2026-06-07T10:00:00Z", "grants")
}

test_a_list_that_gains_and_loses_items_grants if {
	labelled := changing("2026-06-06T10:00:00Z", "grants+revokes")
	deny == closed with input as labelled with data.labels as ["revokes-access"]
}

test_a_grant_is_denied_where_the_plan_does_not_say_when_it_was_made if {
	labelled := object.remove(having({"is_disabled": "grants"}), ["timestamp"])
	closed & deny == closed with input as labelled
	closed & deny == closed with input as object.union(labelled, {"timestamp": 1})
}

test_an_unknown_effect_counts_as_a_grant if {
	closed & deny == closed with input as changing("2026-06-06T10:00:00Z", "admits")
}

test_a_change_without_effects_counts_as_a_grant if {
	change := {"address": "caas/1/76/web", "change": {"actions": ["update"], "after": ends}}
	closed & deny == closed with input as object.union(whole([change]), {"timestamp": "2026-06-06T10:00:00Z"})
}

test_what_grants_nothing_may_be_changed_at_any_time if {
	count(deny) == 0 with input as changing("2026-06-06T23:00:00Z", "neutral")
}
