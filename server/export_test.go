package server

import "net"

// PatientListener is for the tests of its deadlines.
func PatientListener(l net.Listener) net.Listener { return patientListener{l} }
