package main

import (
	"fmt"
	"strconv"
	"strings"
)

var units = []struct {
	suffix string
	bytes  int64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {"", 1}}

// parseMemory parses a size in the syntax of GOMEMLIMIT.
func parseMemory(text string) (int64, error) {
	for _, unit := range units {
		number, ok := strings.CutSuffix(text, unit.suffix)
		if !ok {
			continue
		}
		if count, err := strconv.ParseInt(number, 10, 64); err == nil && count > 0 {
			return count * unit.bytes, nil
		}
		break
	}
	return 0, fmt.Errorf("the memory limit %q is no size like 128MiB", text)
}
