package main

import (
	"encoding/json"
	"strconv"
)

// traefikSubject has its routes from a file, which it reads as YAML: JSON will
// do.
func traefikSubject(path string) subject {
	type object = map[string]any
	return subject{name: "traefik", path: path, prepare: func(p plan) ([]string, error) {
		routers, services := object{}, object{}
		for i := range p.routes {
			name := routeName(i)
			rule := "PathPrefix(`/" + name + "`)"
			routers[name] = object{"rule": rule, "service": name, "entryPoints": []string{"web"}}
			routers[name+"-tls"] = object{"rule": rule, "service": name, "entryPoints": []string{"websecure"}, "tls": object{}}
			services[name] = object{"loadBalancer": object{"servers": []object{{"url": "http://" + p.upstream.String()}}}}
		}
		text, err := json.Marshal(object{
			"http": object{"routers": routers, "services": services},
			"tls":  object{"certificates": []object{{"certFile": p.cert, "keyFile": p.key}}},
		})
		if err != nil {
			return nil, err
		}
		file, err := p.file("dynamic.yml", string(text))
		args := []string{
			"--global.checknewversion=false", "--global.sendanonymoususage=false", "--log.level=WARN",
			"--providers.file.filename=" + file,
			"--entrypoints.web.address=" + p.http.String(), "--entrypoints.websecure.address=" + p.https.String(),
			"--serverstransport.maxidleconnsperhost=" + strconv.Itoa(512), "--metrics.prometheus=true",
			"--entrypoints.traefik.address=" + p.admin.String(),
		}
		if p.log {
			args = append(args, "--accesslog=true", "--accesslog.format=json", "--accesslog.bufferingsize=1000",
				"--accesslog.filepath="+p.accessLog())
		}
		return args, err
	}}
}
