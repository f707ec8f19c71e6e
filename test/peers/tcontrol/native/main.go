// Native measures two tsnet nodes without Node: the upper limit for a sidecar. Run it twice.
//
//	native serve   -control URL -dir DIR            prints {"ev":"ready","address":…}, and echoes on port 7, discards on port 9
//	native measure -control URL -dir DIR -to ADDR   prints one line of figures, and ends
//
// The auth key comes as a line on stdin; the end of stdin ends serve.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strings"
	"time"

	"tailscale.com/tsnet"
)

const (
	echoPort    = "7"
	discardPort = "9"
)

func main() {
	if len(os.Args) < 2 {
		log.Fatal("serve or measure?")
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	control := flags.String("control", "", "URL of the control server")
	dir := flags.String("dir", "", "state folder")
	to := flags.String("to", "", "address of the node that serves")
	seconds := flags.Float64("seconds", 2, "length of each measurement")
	flags.Parse(os.Args[2:])
	os.Setenv("TS_NO_LOGS_NO_SUPPORT", "true")
	input := bufio.NewReader(os.Stdin)
	key, err := input.ReadString('\n')
	if err != nil {
		log.Fatal(err)
	}
	server := &tsnet.Server{
		Dir: *dir, Hostname: "native-" + os.Args[1], AuthKey: strings.TrimSpace(key), ControlURL: *control, UserLogf: func(string, ...any) {},
	}
	// The process just ends: Close waits for ever after more connections than its queue of packets is long.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := server.Up(ctx); err != nil {
		log.Fatal(err)
	}
	if os.Args[1] == "serve" {
		serve(server, input)
		return
	}
	figures, err := (&bench{server, *to, time.Duration(*seconds * float64(time.Second))}).run()
	if err != nil {
		log.Fatal(err)
	}
	print(figures)
}

func serve(server *tsnet.Server, input io.Reader) {
	for port, handle := range map[string]func(net.Conn){echoPort: echo, discardPort: discard} {
		listener, err := server.Listen("tcp", ":"+port)
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				go handle(conn)
			}
		}()
	}
	address, _ := server.TailscaleIPs()
	print(map[string]any{"ev": "ready", "address": address.String()})
	_, _ = io.Copy(io.Discard, input)
}

func echo(conn net.Conn) {
	defer conn.Close()
	_, _ = io.Copy(conn, conn)
}

// discard sends the count at the end, so that the sender knows that everything has arrived.
func discard(conn net.Conn) {
	defer conn.Close()
	count, _ := io.CopyBuffer(io.Discard, struct{ io.Reader }{conn}, make([]byte, 256<<10))
	fmt.Fprintln(conn, count)
}

func print(line any) {
	encoded, err := json.Marshal(line)
	if err != nil {
		log.Fatal(err)
	}
	os.Stdout.Write(append(encoded, '\n'))
}
