# Access is granted only while somebody is at work who can take it back: on weekdays, from 8 to 17 o'clock.
package main

import rego.v1

time_zone := "Europe/Luxembourg"

opens_at := 8

closes_at := 17

deny contains message if {
	some key in input.resource_changes
	some effect in key.change.effects
	contains(effect, "grants") # "grants", or "grants+revokes" where a list gains and loses items
	not is_working_time
	message := sprintf("%s: grants access outside working hours (%s)", [key.address, time_zone])
}

is_working_time if {
	planned := time.parse_ns("2006-01-02T15:04:05Z", input.timestamp)
	not time.weekday([planned, time_zone]) in {"Saturday", "Sunday"}
	[hour, _, _] := time.clock([planned, time_zone])
	hour >= opens_at
	hour < closes_at
}
