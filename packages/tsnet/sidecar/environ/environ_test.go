package environ

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Run as a child, it prints the environment that is left once packages are initialised.
func TestMain(m *testing.M) {
	if os.Getenv("SHOW_ENVIRONMENT") != "" {
		os.Stdout.WriteString(strings.Join(os.Environ(), "\n"))
		return
	}
	os.Exit(m.Run())
}

func TestKeysOfTheEnvironmentAreDropped(t *testing.T) {
	child := exec.Command(os.Args[0])
	child.Env = []string{"SHOW_ENVIRONMENT=1", "TS_AUTHKEY=secret", "TS_AUTH_KEY=secret", "TS_CLIENT_SECRET=secret", "TSNET_FORCE_LOGIN=1", "TS_DISABLE_PORTMAPPER=1", "HOME=/nowhere"}
	output, err := child.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := "SHOW_ENVIRONMENT=1\nTS_DISABLE_PORTMAPPER=1\nHOME=/nowhere\nTS_NO_LOGS_NO_SUPPORT=true"
	if string(output) != want {
		t.Errorf("left:\n%s\nnot:\n%s", output, want)
	}
}
