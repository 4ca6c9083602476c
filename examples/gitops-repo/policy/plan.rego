# What the other policies rely on: the input is a whole plan, of a format that they know, without errors. What is
# missing or unknown is denied, so that a rule never passes a plan because it found nothing to judge.
package main

import rego.v1

deny contains "the format of this plan is unknown: format_version must be 1.x" if not is_known_format

is_known_format if {
	is_string(input.format_version)
	startswith(input.format_version, "1.")
}

deny contains "the plan lists no changes: resource_changes is missing" if not lists_changes

lists_changes if is_array(input.resource_changes)

deny contains "the plan has errors, or does not say that it has none" if not has_no_errors

has_no_errors if input.errors == []

deny contains "the plan goes beyond its limits: refusals is not empty" if not has_no_refusals

has_no_refusals if not input.refusals # of a plan that was made without limits

has_no_refusals if input.refusals == []

deny contains message if {
	some index, key in input.resource_changes
	not is_whole(key)
	message := sprintf("change %d of the plan is of no form that is known", [index + 1])
}

# A new or changed key has values afterwards, a deleted one has none; each says what it does to access.
is_whole(key) if {
	key.change.actions in {["create"], ["update"], ["delete", "create"]}
	is_string(key.address)
	is_object(key.change.after)
	is_object(key.change.effects)
}

is_whole(key) if {
	key.change.actions == ["delete"]
	is_string(key.address)
	is_null(key.change.after)
	is_object(key.change.effects)
}
