// oracle-go PORT: says of each request what Go's net/http understood, one JSON
// a line.
package main

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
)

type message struct {
	Method string      `json:"method"`
	Target string      `json:"target"`
	Host   string      `json:"host"`
	Fields [][2]string `json:"fields"`
	Body   string      `json:"body"`
}

// Each byte as the character of its number.
func characters(s string) string {
	runes := make([]rune, len(s))
	for i := 0; i < len(s); i++ {
		runes[i] = rune(s[i])
	}
	return string(runes)
}

func record(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	m := message{
		Method: r.Method,
		Target: characters(r.RequestURI),
		Host:   characters(r.Host),
		Body:   hex.EncodeToString(body),
	}
	for name, values := range r.Header {
		for _, value := range values {
			m.Fields = append(m.Fields,
				[2]string{characters(name), characters(value)})
		}
	}
	line, _ := json.Marshal(m)
	os.Stdout.Write(append(line, '\n'))
	w.Write([]byte("fine\n"))
}

func main() {
	panic(http.ListenAndServe("127.0.0.1:"+os.Args[1],
		http.HandlerFunc(record)))
}
