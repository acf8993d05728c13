// Command etcd is the etcd server, built at the version that the Kubernetes release under test requires.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
