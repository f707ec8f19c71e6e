// A SOCKS5 proxy made of github.com/armon/go-socks5, the one that many Go programs embed.
//
//	go-socks5 ADDRESS [USERNAME PASSWORD]
package main

import (
	"log"
	"os"

	"github.com/armon/go-socks5"
)

func main() {
	config := &socks5.Config{Logger: log.New(os.Stdout, "", 0)}
	if len(os.Args) == 4 {
		config.Credentials = socks5.StaticCredentials{os.Args[2]: os.Args[3]}
	}
	server, err := socks5.New(config)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(server.ListenAndServe("tcp", os.Args[1]))
}
