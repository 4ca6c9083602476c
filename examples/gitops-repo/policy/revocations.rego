# Taking access away can break what uses the key: so a label must say that it is intended.
package main

import rego.v1

label := "revokes-access"

deny contains message if {
	some key in input.resource_changes
	not revokes_nothing(key)
	not is_labelled
	shown := object.get(key, "address", "a change without an address")
	message := sprintf("%s: revokes access, and the pull request lacks the label %s", [shown, label])
}

# A change that does not say what it does, or says it in an unknown word, is taken for a revocation.
revokes_nothing(key) if {
	is_object(key.change.effects)
	every effect in key.change.effects {
		effect in {"neutral", "grants"}
	}
}

is_labelled if label in data.labels # without any data there is no label
