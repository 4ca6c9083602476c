package main

import rego.v1

revoking := {
	"timestamp": "2026-06-01T10:00:00Z",
	"resource_changes": [{
		"address": "caas/1/76/web",
		"change": {"after": {"expire": "2026-12-31T00:00:00Z"}, "effects": {"is_disabled": "revokes"}},
	}],
}

unlabelled := {"caas/1/76/web: revokes access, and the pull request lacks the label revokes-access"}

test_a_revocation_with_the_label_passes if {
	count(deny) == 0 with input as revoking with data.labels as ["urgent", "revokes-access"]
}

test_a_revocation_with_other_labels_is_denied if {
	deny == unlabelled with input as revoking with data.labels as ["urgent"]
}

test_a_revocation_without_labels_is_denied if {
	deny == unlabelled with input as revoking with data.labels as []
}

test_a_revocation_without_any_data_is_denied if {
	deny == unlabelled with input as revoking
}
