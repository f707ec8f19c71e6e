// Package environ drops what could steer tsnet from the environment: keys that it would read by itself, and knobs.
//
// It must run before tsnet's own packages, which read some variables as they are initialised. Go initialises packages whose
// dependencies are ready in the order of their paths, and this one depends on next to nothing and sorts before "tailscale.com".
package environ

import (
	"os"
	"strings"
)

var kept = map[string]bool{
	"TS_DEBUG_ACME_DIRECTORY_URL": true,
	"TS_DISABLE_PORTMAPPER":       true,
}

func init() {
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); steers(name) {
			os.Unsetenv(name)
		}
	}
	os.Setenv("TS_NO_LOGS_NO_SUPPORT", "true")
}

func steers(name string) bool {
	return (strings.HasPrefix(name, "TS_") || strings.HasPrefix(name, "TSNET_")) && !kept[name]
}
