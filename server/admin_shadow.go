package server

import "net/http"

// Shadow is another backend that does in the shadow what the first one does.
type Shadow interface {
	// ShadowStatus is what GET /shadow answers, as JSON.
	ShadowStatus() any
	// SwitchShadow ends it now, or lets it go on as far as the configuration says.
	SwitchShadow(on bool)
}

func (a *admin) shadow(w http.ResponseWriter, _ *http.Request) {
	writeStatus(w, http.StatusOK, a.Shadow.ShadowStatus())
}

// switchShadow answers with the status afterwards.
func (a *admin) switchShadow(on bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a.Shadow.SwitchShadow(on)
		a.Logger.WarnContext(r.Context(), "the shadow is switched by the admin address", "on", on)
		a.shadow(w, r)
	}
}
