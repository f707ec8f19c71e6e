package main

import "time"

// A request on the control channel, or the first line of a connection to the data socket; PROTOCOL.md lists the fields
// of each op.
type request struct {
	ID         int64    `json:"id"`
	Op         string   `json:"op"`
	Node       string   `json:"node"`
	Hostname   string   `json:"hostname"`
	StateDir   string   `json:"state_dir"`
	AuthKey    string   `json:"auth_key"`
	ControlURL string   `json:"control_url"`
	Ephemeral  bool     `json:"ephemeral"`
	Tags       []string `json:"tags"`
	ExitNode   string   `json:"exit_node"`
	TimeoutMS  int64    `json:"timeout_ms"`
	Logout     bool     `json:"logout"`
	Reason     string   `json:"reason"`
	Host       string   `json:"host"`
	Port       int      `json:"port"`
	TLS        bool     `json:"tls"`
	Forward    string   `json:"forward"`
	Listener   string   `json:"listener"`
	Domain     string   `json:"domain"`
	Name       string   `json:"name"`
	Address    string   `json:"address"`
	Family     int      `json:"family"`
	Probe      bool     `json:"probe"`
}

func (r *request) timeout(otherwise time.Duration) time.Duration {
	if r.TimeoutMS <= 0 {
		return otherwise
	}
	return time.Duration(r.TimeoutMS) * time.Millisecond
}
