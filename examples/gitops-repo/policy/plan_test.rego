package main

import rego.v1

# The tests of the other policies use this too.
whole(changes) := {
	"format_version": "1.3",
	"timestamp": "2026-06-01T10:00:00Z",
	"errors": [],
	"resource_changes": changes,
}

quiet(actions, values) := whole([{
	"address": "caas/1/76/web",
	"change": {"actions": actions, "after": values, "effects": {"description": "neutral"}},
}])

ends := {"expire": "2026-12-31T00:00:00Z"}

unformed := "change 1 of the plan is of no form that is known"

test_a_whole_plan_passes if {
	count(deny) == 0 with input as whole([])
	count(deny) == 0 with input as quiet(["update"], ends)
	count(deny) == 0 with input as quiet(["create"], ends)
	count(deny) == 0 with input as quiet(["delete", "create"], ends)
	count(deny) == 0 with input as quiet(["delete"], null)
	count(deny) == 0 with input as object.union(whole([]), {"refusals": []})
}

test_what_is_no_plan_is_denied if {
	count(deny) == 3 with input as {}
	count(deny) == 3 with input as []
	count(deny) == 3 with input as null
}

test_a_plan_without_its_changes_is_denied if {
	missing := {"the plan lists no changes: resource_changes is missing"}
	deny == missing with input as object.remove(whole([]), ["resource_changes"])
	deny == missing with input as whole({})
}

test_a_plan_of_another_format_is_denied if {
	unknown := {"the format of this plan is unknown: format_version must be 1.x"}
	deny == unknown with input as object.union(whole([]), {"format_version": "2.0"})
	deny == unknown with input as object.union(whole([]), {"format_version": 1})
	deny == unknown with input as object.remove(whole([]), ["format_version"])
}

test_a_plan_with_errors_is_denied if {
	faulty := {"the plan has errors, or does not say that it has none"}
	deny == faulty with input as object.union(whole([]), {"errors": [{"message": "unreadable"}]})
	deny == faulty with input as object.remove(whole([]), ["errors"])
}

test_a_plan_beyond_its_limits_is_denied if {
	refused := {"the plan goes beyond its limits: refusals is not empty"}
	deny == refused with input as object.union(whole([]), {"refusals": [{"message": "too much"}]})
	deny == refused with input as object.union(whole([]), {"refusals": null})
}

test_a_change_whose_values_do_not_fit_its_actions_is_denied if {
	unformed in deny with input as quiet(["create"], null)
	unformed in deny with input as quiet(["delete", "create"], null)
	unformed in deny with input as quiet(["delete"], ends)
	unformed in deny with input as quiet(["forget"], ends)
	unformed in deny with input as quiet([], ends)
}

test_a_change_without_one_of_its_members_is_denied if {
	change := {"actions": ["update"], "after": ends, "effects": {}}
	unformed in deny with input as whole([{}])
	unformed in deny with input as whole([{"change": change}])
	unformed in deny with input as whole([{"address": "caas/1/76/web"}])
	every member in ["actions", "after", "effects"] {
		partial := {"address": "caas/1/76/web", "change": object.remove(change, [member])}
		unformed in deny with input as whole([partial])
	}
}
