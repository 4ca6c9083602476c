# A key that is changed must come to an end: it declares `expire`, at most 400 days after the plan was made.
package main

import rego.v1

longest_days := 400

deny contains message if {
	some key in input.resource_changes
	is_object(key.change.after) # of a key that is deleted nothing is left
	not is_string(key.change.after.expire) # null, or not declared
	message := sprintf("%s: declares no expiry", [key.address])
}

deny contains message if {
	some key in input.resource_changes
	is_string(key.change.after.expire)
	not key.change.after.expire <= latest
	message := sprintf("%s: expires more than %d days from now", [key.address, longest_days])
}

# The latest expiry. A plan writes every moment in this form, UTC to the second, so that texts compare as moments.
latest := time.format(planned + (((longest_days * 24) * 3600) * 1000000000)) if {
	planned := time.parse_ns("2006-01-02T15:04:05Z", input.timestamp)
}
