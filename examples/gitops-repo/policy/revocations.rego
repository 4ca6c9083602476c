# Taking access away can break what uses the key: somebody must have said that it is meant, by a label.
package main

import rego.v1

label := "revokes-access"

deny contains message if {
	some key in input.resource_changes
	some effect in key.change.effects
	contains(effect, "revokes")
	not label in data.labels # without any data there is no label
	message := sprintf("%s: revokes access, and the pull request lacks the label %s", [key.address, label])
}
