package nomad

import (
	"cmp"
	"slices"

	"github.com/hashicorp/nomad/api"
	"github.com/sluiceproxy/sluice/watch"
)

// services joins the lists of all namespaces the answer has: one, that of the
// request.
func services(list []*api.ServiceRegistrationListStub) []watch.ServiceTags {
	var all []watch.ServiceTags
	for _, namespace := range list {
		for _, s := range namespace.Services {
			all = append(all, watch.ServiceTags{Name: s.ServiceName, Tags: s.Tags})
		}
	}
	slices.SortStableFunc(all, func(a, b watch.ServiceTags) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// instances keeps Nomad's order: with a choice it is the key's order of
// preference.
func instances(list []*api.ServiceRegistration) []watch.NomadInstance {
	all := make([]watch.NomadInstance, 0, len(list))
	for _, s := range list {
		all = append(all, watch.NomadInstance{
			ID:         s.ID,
			Name:       s.ServiceName,
			Node:       s.NodeID,
			Address:    s.Address,
			Port:       s.Port,
			Datacenter: s.Datacenter,
			Tags:       s.Tags,
			JobID:      s.JobID,
			AllocID:    s.AllocID,
		})
	}
	return all
}

func variables(list []*api.VariableMetadata) []watch.NomadVariableInfo {
	all := make([]watch.NomadVariableInfo, 0, len(list))
	for _, v := range list {
		all = append(all, info(v))
	}
	return all
}

// variable is nil where there is none.
func variable(v *api.Variable) *watch.NomadVariableItems {
	if v == nil {
		return nil
	}
	return &watch.NomadVariableItems{NomadVariableInfo: info(v.Metadata()), Items: v.Items}
}

func info(v *api.VariableMetadata) watch.NomadVariableInfo {
	return watch.NomadVariableInfo{
		Namespace:   v.Namespace,
		Path:        v.Path,
		CreateIndex: v.CreateIndex,
		ModifyIndex: v.ModifyIndex,
		CreateTime:  v.CreateTime,
		ModifyTime:  v.ModifyTime,
	}
}
