package main

import rego.v1

having(effects) := whole([{
	"address": "caas/1/76/web",
	"change": {"actions": ["update"], "after": ends, "effects": effects},
}])

revoking := having({"is_disabled": "revokes"})

unlabelled := {"caas/1/76/web: revokes access, and the pull request lacks the label revokes-access"}

test_a_revocation_with_the_label_passes if {
	count(deny) == 0 with input as revoking with data.labels as ["urgent", "revokes-access"]
}

test_a_revocation_with_other_labels_is_denied if {
	deny == unlabelled with input as revoking with data.labels as ["urgent"]
}

test_a_revocation_without_labels_is_denied if {
	deny == unlabelled with input as revoking with data.labels as []
	deny == unlabelled with input as revoking with data.labels as null
}

test_a_revocation_without_any_data_is_denied if {
	deny == unlabelled with input as revoking
}

test_one_revocation_among_other_effects_is_denied if {
	deny == unlabelled with input as having({"containers": "grants+revokes", "description": "neutral"})
}

test_a_deletion_that_revokes_is_denied if {
	change := {"actions": ["delete"], "after": null, "effects": {"is_disabled": "revokes"}}
	deny == unlabelled with input as whole([{"address": "caas/1/76/web", "change": change}])
}

test_an_unknown_effect_counts_as_a_revocation if {
	unlabelled & deny == unlabelled with input as having({"is_disabled": "withdraws"})
	unlabelled & deny == unlabelled with input as having({"is_disabled": null})
}

test_a_change_without_effects_counts_as_a_revocation if {
	unlabelled & deny == unlabelled with input as whole([{"address": "caas/1/76/web", "change": {}}])
	unlabelled & deny == unlabelled with input as having(null)
}

test_what_revokes_nothing_needs_no_label if {
	count(deny) == 0 with input as having({"description": "neutral"})
	count(deny) == 0 with input as having({})
}
