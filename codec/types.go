package codec

// The OIDs that code, not only the table, has to know (pg_type.dat).
const (
	oidChar        = 18
	oidName        = 19
	oidInt8        = 20
	oidBox         = 603
	oidNumeric     = 1700
	oidTimestamptz = 1184
	oidBit         = 1560
)

// builtin is one row of the table of types.
type builtin struct {
	oid, array uint32 // array 0: the type has no array type
	of         uint32 // range: subtype; multirange: range; vectors: element
	name       string
	kind       Kind
	form       form       // how the text becomes JSON
	bin        binaryText // binary to text; nil: text only
	arg        argument   // JSON to text
	want       string     // what arg allows, for its errors
}

// builtins are PostgreSQL's own types. Their OIDs are fixed for ever. A row
// stands below the row that its `of` names.
var builtins = []builtin{
	{oid: 16, array: 1000, name: "bool", kind: KindBool, form: formBool, bin: binBool, arg: argBool, want: "true or false"},
	{oid: 17, array: 1001, name: "bytea", kind: KindBytes, form: formHex, bin: binBytea, arg: argBytea, want: wantBytea},
	{oid: 18, array: 1002, name: "char", kind: KindText, form: formQuote, bin: binChar, arg: argChar, want: wantChar},
	{oid: 19, array: 1003, name: "name", kind: KindText, form: formText, bin: binCopy, arg: argName, want: "a string of at most 63 bytes"},
	{oid: 20, array: 1016, name: "int8", kind: KindInt, form: formNumber, bin: binInt8, arg: argInt8, want: wantInt8},
	{oid: 21, array: 1005, name: "int2", kind: KindInt, form: formNumber, bin: binInt2, arg: argInt2, want: wantInt2},
	{oid: 22, array: 1006, of: 21, name: "int2vector", kind: KindArray, form: formVector, bin: binVector, arg: argVector, want: "a list of integers"},
	{oid: 23, array: 1007, name: "int4", kind: KindInt, form: formNumber, bin: binInt4, arg: argInt4, want: wantInt4},
	{oid: 24, array: 1008, name: "regproc", kind: KindOID, arg: argReg, want: wantReg},
	{oid: 25, array: 1009, name: "text", kind: KindText, form: formText, bin: binCopy, arg: argText, want: "a string"},
	{oid: 26, array: 1028, name: "oid", kind: KindOID, form: formPlain, bin: binUint4, arg: argUint4, want: wantUint4},
	{oid: 27, array: 1010, name: "tid", kind: KindOther, form: formPlain, bin: binTID, arg: argTID, want: `"(block,offset)"`},
	{oid: 28, array: 1011, name: "xid", kind: KindOID, form: formPlain, bin: binUint4, arg: argUint4, want: wantUint4},
	{oid: 29, array: 1012, name: "cid", kind: KindOID, form: formPlain, bin: binUint4, arg: argUint4, want: wantUint4},
	{oid: 30, array: 1013, of: 26, name: "oidvector", kind: KindArray, form: formVector, bin: binVector, arg: argVector, want: "a list of OIDs"},
	{oid: 114, array: 199, name: "json", kind: KindJSON, form: formJSON, bin: binCopy, arg: argJSON, want: wantJSON},
	{oid: 142, array: 143, name: "xml", kind: KindXML, arg: argText, want: "a string of XML"}, // binary may carry an encoding declaration that text leaves out
	{oid: 194, name: "pg_node_tree", kind: KindOther, arg: argText, want: "a string"},
	{oid: 600, array: 1017, name: "point", kind: KindGeometric, form: formPlain, bin: binPoint, arg: argGeometric, want: `"(x,y)"`},
	{oid: 601, array: 1018, name: "lseg", kind: KindGeometric, form: formPlain, bin: binLseg, arg: argGeometric, want: `"[(x1,y1),(x2,y2)]"`},
	{oid: 602, array: 1019, name: "path", kind: KindGeometric, form: formPlain, bin: binPath, arg: argGeometric, want: `"[(x1,y1),…]" (open) or "((x1,y1),…)" (closed)`},
	{oid: 603, array: 1020, name: "box", kind: KindGeometric, form: formPlain, bin: binBox, arg: argGeometric, want: `"(x1,y1),(x2,y2)"`},
	{oid: 604, array: 1027, name: "polygon", kind: KindGeometric, form: formPlain, bin: binPolygon, arg: argGeometric, want: `"((x1,y1),…)"`},
	{oid: 628, array: 629, name: "line", kind: KindGeometric, form: formPlain, bin: binLine, arg: argGeometric, want: `"{A,B,C}"`},
	{oid: 650, array: 651, name: "cidr", kind: KindInet, form: formPlain, bin: binInet, arg: argCIDR, want: wantCIDR},
	{oid: 700, array: 1021, name: "float4", kind: KindFloat, form: formNumber, bin: binFloat4, arg: argFloat4, want: wantFloat},
	{oid: 701, array: 1022, name: "float8", kind: KindFloat, form: formNumber, bin: binFloat8, arg: argFloat8, want: wantFloat},
	{oid: 705, name: "unknown", kind: KindText, form: formText, bin: binCopy, arg: argText, want: "a string"},
	{oid: 718, array: 719, name: "circle", kind: KindGeometric, form: formPlain, bin: binCircle, arg: argGeometric, want: `"<(x,y),r>"`},
	{oid: 774, array: 775, name: "macaddr8", kind: KindMAC, form: formPlain, bin: binMAC, arg: argMAC8, want: "a string of 16 hexadecimal digits in pairs, as in 08:00:2b:01:02:03:04:05"},
	{oid: 790, array: 791, name: "money", kind: KindMoney, form: formPlain, bin: binMoney, arg: argMoney, want: wantMoney},
	{oid: 829, array: 1040, name: "macaddr", kind: KindMAC, form: formPlain, bin: binMAC, arg: argMAC6, want: "a string of 12 hexadecimal digits in pairs, as in 08:00:2b:01:02:03"},
	{oid: 869, array: 1041, name: "inet", kind: KindInet, form: formPlain, bin: binInet, arg: argInet, want: wantInet},
	{oid: 1033, array: 1034, name: "aclitem", kind: KindOther, arg: argText, want: "a string"},
	{oid: 1042, array: 1014, name: "bpchar", kind: KindText, form: formText, bin: binCopy, arg: argText, want: "a string"},
	{oid: 1043, array: 1015, name: "varchar", kind: KindText, form: formText, bin: binCopy, arg: argText, want: "a string"},
	{oid: 1082, array: 1182, name: "date", kind: KindDate, form: formPlain, bin: binDate, arg: argDate, want: wantDate},
	{oid: 1083, array: 1183, name: "time", kind: KindTime, form: formPlain, bin: binTime, arg: argTime, want: wantTime},
	{oid: 1114, array: 1115, name: "timestamp", kind: KindTimestamp, form: formTimestamp, bin: binTimestamp, arg: argTimestamp, want: wantTimestamp},
	{oid: 1184, array: 1185, name: "timestamptz", kind: KindTimestamp, form: formTimestamp, bin: binTimestamptz, arg: argTimestamptz, want: wantTimestamptz},
	{oid: 1186, array: 1187, name: "interval", kind: KindInterval, form: formPlain, bin: binInterval, arg: argInterval, want: wantInterval},
	{oid: 1266, array: 1270, name: "timetz", kind: KindTime, form: formPlain, bin: binTimetz, arg: argTimetz, want: wantTimetz},
	{oid: 1560, array: 1561, name: "bit", kind: KindBit, form: formPlain, bin: binBit, arg: argBit, want: "a string of 0 and 1"},
	{oid: 1562, array: 1563, name: "varbit", kind: KindBit, form: formPlain, bin: binBit, arg: argBit, want: "a string of 0 and 1"},
	{oid: 1700, array: 1231, name: "numeric", kind: KindNumeric, form: formNumber, bin: binNumeric, arg: argNumeric, want: wantNumeric},
	{oid: 1790, array: 2201, name: "refcursor", kind: KindOther, form: formText, bin: binCopy, arg: argText, want: "a string"},
	{oid: 2202, array: 2207, name: "regprocedure", kind: KindOID, arg: argReg, want: wantReg},
	{oid: 2203, array: 2208, name: "regoper", kind: KindOID, arg: argReg, want: wantReg},
	{oid: 2204, array: 2209, name: "regoperator", kind: KindOID, arg: argReg, want: wantReg},
	{oid: 2205, array: 2210, name: "regclass", kind: KindOID, arg: argReg, want: wantReg},
	{oid: 2206, array: 2211, name: "regtype", kind: KindOID, arg: argReg, want: wantReg},
	{oid: 2249, array: 2287, name: "record", kind: KindComposite, form: formQuote, bin: nil, arg: argRefused, want: wantNothing},
	{oid: 2275, array: 1263, name: "cstring", kind: KindText, form: formText, bin: binCopy, arg: argText, want: "a string"},
	{oid: 2278, name: "void", kind: KindOther, form: formPlain, bin: binVoid, arg: argRefused, want: wantNothing},
	{oid: 2950, array: 2951, name: "uuid", kind: KindUUID, form: formPlain, bin: binUUID, arg: argUUID, want: wantUUID},
	{oid: 2970, array: 2949, name: "txid_snapshot", kind: KindOther, form: formPlain, bin: binSnapshot, arg: argText, want: `"xmin:xmax:xip,…"`},
	{oid: 3220, array: 3221, name: "pg_lsn", kind: KindLSN, form: formPlain, bin: binLSN, arg: argLSN, want: `"X/X", two hexadecimal numbers of at most 8 digits`},
	{oid: 3361, name: "pg_ndistinct", kind: KindOther, arg: argRefused, want: wantNothing},
	{oid: 3402, name: "pg_dependencies", kind: KindOther, arg: argRefused, want: wantNothing},
	{oid: 3614, array: 3643, name: "tsvector", kind: KindTSVector, form: formQuote, bin: binTSVector, arg: argText, want: "a string in tsvector syntax"},
	{oid: 3615, array: 3645, name: "tsquery", kind: KindTSQuery, arg: argText, want: "a string in tsquery syntax"}, // text needs the operators' ranks; binary saves nothing
	{oid: 3642, array: 3644, name: "gtsvector", kind: KindOther, arg: argRefused, want: wantNothing},
	{oid: 3734, array: 3735, name: "regconfig", kind: KindOID, arg: argReg, want: wantReg},
	{oid: 3769, array: 3770, name: "regdictionary", kind: KindOID, arg: argReg, want: wantReg},
	{oid: 3802, array: 3807, name: "jsonb", kind: KindJSONB, form: formJSON, bin: binVersioned, arg: argJSONB, want: wantJSONB},
	{oid: 4072, array: 4073, name: "jsonpath", kind: KindOther, form: formQuote, bin: binVersioned, arg: argText, want: "a string in jsonpath syntax"},
	{oid: 4089, array: 4090, name: "regnamespace", kind: KindOID, arg: argReg, want: wantReg},
	{oid: 4096, array: 4097, name: "regrole", kind: KindOID, arg: argReg, want: wantReg},
	{oid: 4191, array: 4192, name: "regcollation", kind: KindOID, arg: argReg, want: wantReg},
	{oid: 5017, name: "pg_mcv_list", kind: KindOther, arg: argRefused, want: wantNothing},
	{oid: 5038, array: 5039, name: "pg_snapshot", kind: KindOther, form: formPlain, bin: binSnapshot, arg: argText, want: `"xmin:xmax:xip,…"`},
	{oid: 5069, array: 271, name: "xid8", kind: KindOID, form: formPlain, bin: binUint8, arg: argUint8, want: wantUint8},

	{oid: 3904, array: 3905, of: 23, name: "int4range", kind: KindRange, bin: binRange, arg: argRange, want: wantRange},
	{oid: 3906, array: 3907, of: 1700, name: "numrange", kind: KindRange, bin: binRange, arg: argRange, want: wantRange},
	{oid: 3908, array: 3909, of: 1114, name: "tsrange", kind: KindRange, bin: binRange, arg: argRange, want: wantRange},
	{oid: 3910, array: 3911, of: 1184, name: "tstzrange", kind: KindRange, bin: binRange, arg: argRange, want: wantRange},
	{oid: 3912, array: 3913, of: 1082, name: "daterange", kind: KindRange, bin: binRange, arg: argRange, want: wantRange},
	{oid: 3926, array: 3927, of: 20, name: "int8range", kind: KindRange, bin: binRange, arg: argRange, want: wantRange},
	{oid: 4451, array: 6150, of: 3904, name: "int4multirange", kind: KindMultirange, bin: binMultirange, arg: argMultirange, want: wantMultirange},
	{oid: 4532, array: 6151, of: 3906, name: "nummultirange", kind: KindMultirange, bin: binMultirange, arg: argMultirange, want: wantMultirange},
	{oid: 4533, array: 6152, of: 3908, name: "tsmultirange", kind: KindMultirange, bin: binMultirange, arg: argMultirange, want: wantMultirange},
	{oid: 4534, array: 6153, of: 3910, name: "tstzmultirange", kind: KindMultirange, bin: binMultirange, arg: argMultirange, want: wantMultirange},
	{oid: 4535, array: 6155, of: 3912, name: "datemultirange", kind: KindMultirange, bin: binMultirange, arg: argMultirange, want: wantMultirange},
	{oid: 4536, array: 6157, of: 3926, name: "int8multirange", kind: KindMultirange, bin: binMultirange, arg: argMultirange, want: wantMultirange},
}

// extensions are the base types of well-known extensions, by name. Extension
// types get their OIDs when the extension is made in a database.
var extensions = []builtin{
	{name: "citext", kind: KindText, form: formText, bin: binCopy, arg: argText, want: "a string"},
	{name: "hstore", kind: KindHStore, form: formHStore, bin: binHStore, arg: argHStore, want: "an object whose members are strings or null"},
	{name: "ltree", kind: KindLTree, form: formQuote, bin: binVersioned, arg: argText, want: "a string of labels with dots between, as in Top.Science"},
	{name: "lquery", kind: KindOther, form: formQuote, bin: binVersioned, arg: argText, want: "a string in lquery syntax"},
	{name: "ltxtquery", kind: KindOther, form: formQuote, bin: binVersioned, arg: argText, want: "a string in ltxtquery syntax"},
	{name: "cube", kind: KindCube, arg: argText, want: `a string, as in "(1, 2),(3, 4)"`},
	{name: "seg", kind: KindOther, arg: argText, want: `a string, as in "1.5 .. 2"`},
	{name: "ean13", kind: KindOther, arg: argText, want: "a string of digits and hyphens"},
	{name: "isbn13", kind: KindOther, arg: argText, want: "a string of digits and hyphens"},
	{name: "isbn", kind: KindOther, arg: argText, want: "a string of digits and hyphens"},
	{name: "ismn13", kind: KindOther, arg: argText, want: "a string of digits and hyphens"},
	{name: "ismn", kind: KindOther, arg: argText, want: "a string of digits and hyphens"},
	{name: "issn13", kind: KindOther, arg: argText, want: "a string of digits and hyphens"},
	{name: "issn", kind: KindOther, arg: argText, want: "a string of digits and hyphens"},
	{name: "upc", kind: KindOther, arg: argText, want: "a string of digits and hyphens"},
	{name: "vector", kind: KindVector, arg: argNumbers, want: `a list of numbers, or a string as in "[1,2,3]"`},
	{name: "halfvec", kind: KindVector, arg: argNumbers, want: `a list of numbers, or a string as in "[1,2,3]"`},
	{name: "sparsevec", kind: KindVector, arg: argText, want: `a string, as in "{1:1.5,3:2}/5"`},
}
