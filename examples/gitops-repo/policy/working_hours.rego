# Access is granted only while somebody is at work who can take it back: on weekdays, from 8 to 17 o'clock.
package main

import rego.v1

time_zone := "Europe/Luxembourg"

opens_at := 8

closes_at := 17

deny contains message if {
	some key in input.resource_changes
	not grants_nothing(key)
	not is_working_time
	shown := object.get(key, "address", "a change without an address")
	message := sprintf("%s: grants access outside working hours (%s)", [shown, time_zone])
}

# A list that gains and loses items has the effect "grants+revokes". A change that does not say what it does, or says
# it in an unknown word, is taken for a grant.
grants_nothing(key) if {
	is_object(key.change.effects)
	every effect in key.change.effects {
		effect in {"neutral", "revokes"}
	}
}

is_working_time if {
	is_string(input.timestamp)
	planned := time.parse_ns("2006-01-02T15:04:05Z", input.timestamp)
	time.weekday([planned, time_zone]) in {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday"}
	[hour, _, _] := time.clock([planned, time_zone])
	hour >= opens_at
	hour < closes_at
}
