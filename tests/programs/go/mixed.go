// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What programs in Go are made of: maps, goroutines, texts, JSON, compression, files. Prints the
// same natively and as a guest.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"runtime"
	"sort"
	"strings"
	"sync"
)

type record struct {
	Name  string             `json:"name"`
	Tags  []string           `json:"tags,omitempty"`
	Score map[string]float64 `json:"score"`
}

func check(err error) {
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(3)
	}
}

func text(n int) string {
	var b strings.Builder
	seed := uint32(7)
	for i := 0; i < n; i++ {
		seed = seed*1664525 + 1013904223
		fmt.Fprintf(&b, "word%d %x@host%d.example\n", seed>>24, seed>>8&0xffff, i%13)
	}
	return b.String()
}

func words(s string) {
	count := map[string]int{}
	for _, w := range strings.Fields(s) {
		count[w]++
	}
	keys := make([]string, 0, len(count))
	for k := range count {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool {
		return count[keys[i]] > count[keys[j]] || count[keys[i]] == count[keys[j]] && keys[i] < keys[j]
	})
	fmt.Println("words", len(keys), keys[:5], count[keys[0]])
	hosts := regexp.MustCompile(`([0-9a-f]+)@host(1[0-2])\.example`)
	found := hosts.FindAllStringSubmatch(s, -1)
	fmt.Println("hosts", len(found), found[0][1:], len(hosts.ReplaceAllString(s, "$2-$1")))
}

func workers() {
	jobs, results := make(chan int), make(chan int, 8)
	var wg sync.WaitGroup
	for w := 0; w < 8; w++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := range jobs {
				sum := 0
				for d := 1; d <= n; d++ {
					if n%d == 0 {
						sum += d
					}
				}
				results <- sum
			}
		}()
	}
	go func() {
		for n := 1; n <= 2000; n++ {
			jobs <- n
		}
		close(jobs)
		wg.Wait()
		close(results)
	}()
	total := 0
	for r := range results {
		total += r
	}
	fmt.Println("divisors", total)
}

func documents() {
	r := record{Name: "é\"<", Tags: []string{"a", "b"}, Score: map[string]float64{"z": 1e21, "a": 0.1}}
	out, err := json.Marshal(r)
	check(err)
	var back record
	check(json.Unmarshal(out, &back))
	fmt.Println("json", string(out), back.Score["z"] == 1e21)
	fmt.Println("json", json.Unmarshal([]byte(`{"name": 5}`), &back))
}

func files(s string) {
	check(os.MkdirAll("out/deep", 0o755))
	f, err := os.Create("out/deep/text.gz")
	check(err)
	z := gzip.NewWriter(f)
	_, err = io.WriteString(z, s)
	check(err)
	check(z.Close())
	check(f.Close())
	packed, err := os.ReadFile("out/deep/text.gz")
	check(err)
	u, err := gzip.NewReader(bytes.NewReader(packed))
	check(err)
	plain, err := io.ReadAll(u)
	check(err)
	fmt.Printf("gzip %d %x %v\n", len(packed), sha256.Sum256(packed), string(plain) == s)
	check(os.Rename("out/deep/text.gz", "out/moved.gz"))
	list, err := os.ReadDir("out")
	check(err)
	for _, e := range list {
		fmt.Println("file", e.Name(), e.IsDir())
	}
	_, err = os.Open("out/none")
	fmt.Println("none", os.IsNotExist(err))
}

func garbage() {
	var keep [][]byte
	for i := 0; i < 2000; i++ {
		b := make([]byte, 16<<10)
		b[i] = byte(i)
		if i%50 == 0 {
			keep = append(keep, b)
		}
	}
	runtime.GC()
	sum := 0
	for i, b := range keep {
		sum += int(b[i*50])
	}
	fmt.Println("kept", len(keep), sum)
}

func recovered() {
	defer func() { fmt.Println("recovered", recover()) }()
	var m map[string]int
	m["x"] = 1
}

func main() {
	s := text(5000)
	words(s)
	workers()
	documents()
	files(s)
	garbage()
	recovered()
	fmt.Printf("%.17g %v %v\n", math.Sin(0.5), math.Sqrt(2), math.Inf(-1))
	fmt.Println(len(os.Args), os.Args[1:], os.Getenv("ONE"))
	in, err := io.ReadAll(os.Stdin)
	check(err)
	fmt.Printf("%q\n", in)
	os.Exit(7)
}
