package main

import rego.v1

ending(values) := {
	"timestamp": "2026-06-01T10:00:00Z",
	"resource_changes": [{"address": "caas/1/76/web", "change": {"after": values, "effects": {}}}],
}

none := {"caas/1/76/web: declares no expiry"}

late := {"caas/1/76/web: expires more than 400 days from now"}

test_a_key_that_ends_soon_enough_passes if {
	count(deny) == 0 with input as ending({"expire": "2027-07-06T10:00:00Z"})
}

test_a_key_that_ends_a_second_later_is_denied if {
	deny == late with input as ending({"expire": "2027-07-06T10:00:01Z"})
}

test_a_key_that_ends_in_a_far_future_is_denied if {
	deny == late with input as ending({"expire": "9999-12-31T23:59:59Z"})
}

test_a_key_that_never_ends_is_denied if {
	deny == none with input as ending({"expire": null})
}

test_a_key_that_leaves_its_expiry_to_others_is_denied if {
	deny == none with input as ending({"description": "web"})
}

test_a_plan_without_changes_passes if {
	count(deny) == 0 with input as {"timestamp": "2026-06-01T10:00:00Z", "resource_changes": []}
}

test_a_key_that_is_deleted_need_not_expire if {
	count(deny) == 0 with input as ending(null)
}
