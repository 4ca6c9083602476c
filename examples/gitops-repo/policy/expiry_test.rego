package main

import rego.v1

ending(values) := whole([{
	"address": "caas/1/76/web",
	"change": {"actions": ["update"], "after": values, "effects": {}},
}])

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

test_an_expiry_in_another_form_is_denied if {
	deny == late with input as ending({"expire": ""})
	deny == late with input as ending({"expire": "2026-12-31"})
	deny == none with input as ending({"expire": 20261231})
}

test_an_expiry_is_denied_where_the_plan_does_not_say_when_it_was_made if {
	plan := ending({"expire": "2026-12-31T00:00:00Z"})
	deny == late with input as object.remove(plan, ["timestamp"])
	deny == late with input as object.union(plan, {"timestamp": null})
	deny == late with input as object.union(plan, {"timestamp": "now"})
}

test_a_key_that_is_made_must_expire if {
	change := {"actions": ["create"], "after": {"description": "web"}, "effects": {}}
	deny == none with input as whole([{"address": "caas/1/76/web", "change": change}])
}

test_a_key_that_is_made_anew_must_expire if {
	change := {"actions": ["delete", "create"], "after": {"expire": null}, "effects": {}}
	deny == none with input as whole([{"address": "caas/1/76/web", "change": change}])
}

test_a_key_that_is_deleted_need_not_expire if {
	change := {"actions": ["delete"], "after": null, "effects": {}}
	count(deny) == 0 with input as whole([{"address": "caas/1/76/web", "change": change}])
}

test_a_change_that_does_not_say_what_is_left_must_expire if {
	none & deny == none with input as whole([{"address": "caas/1/76/web", "change": {"actions": ["create"]}}])
	none & deny == none with input as whole([{"address": "caas/1/76/web", "change": {"actions": ["delete"]}}])
	none & deny == none with input as whole([{"address": "caas/1/76/web"}])
}

test_a_plan_without_changes_passes if {
	count(deny) == 0 with input as whole([])
}
