# A key that is made or changed must come to an end: it declares `expire`, at most 400 days after the plan was made.
package main

import rego.v1

longest_days := 400

deny contains message if {
	some key in input.resource_changes
	not is_deletion(key)
	not has_expiry(key)
	message := sprintf("%s: declares no expiry", [object.get(key, "address", "a change without an address")])
}

deny contains message if {
	some key in input.resource_changes
	has_expiry(key)
	not ends_in_time(key)
	shown := object.get(key, "address", "a change without an address")
	message := sprintf("%s: expires more than %d days from now", [shown, longest_days])
}

# Of a key that is deleted nothing is left that could end.
is_deletion(key) if {
	key.change.actions == ["delete"]
	is_null(key.change.after)
}

# Neither null nor left undeclared.
has_expiry(key) if is_string(key.change.after.expire)

# For a time in another form this does not hold, nor where the plan does not say when it was made.
ends_in_time(key) if {
	regex.match(instant, key.change.after.expire)
	key.change.after.expire <= latest
}

# A plan writes every time in this form, UTC to the second, so that texts compare as times.
instant := `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$`

latest := time.format(planned + (((longest_days * 24) * 3600) * 1000000000)) if {
	is_string(input.timestamp)
	regex.match(instant, input.timestamp)
	planned := time.parse_ns("2006-01-02T15:04:05Z", input.timestamp)
}
