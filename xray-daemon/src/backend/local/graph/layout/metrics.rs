//! Sizes and distances of the drawings, in units of the `viewBox` (about pixels).

/// How large things are and how far apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Metrics {
    /// Radius of a node.
    pub(super) r: f64,
    /// Radius of a client.
    pub(super) client_r: f64,
    /// From layer to layer, along the flow.
    pub(super) layer_pitch: f64,
    /// From node to node within a layer.
    pub(super) node_pitch: f64,
    /// More of that below a node that calls others: its name stands there, not beside it.
    pub(super) name_room: f64,
    /// From edge to edge that pass a layer.
    pub(super) lane_pitch: f64,
    /// Room around the centres: left, top, right, bottom.
    pub(super) margins: [f64; 4],
    /// Least size of the whole; what is smaller stands in its middle.
    pub(super) min_width: f64,
    pub(super) min_height: f64,
    /// From the edge of a node to the start of a line.
    pub(super) start_gap: f64,
    /// From the tip of a line to the edge of a node.
    pub(super) end_gap: f64,
}

/// The map on a wide screen: names and types stand below the nodes, flags above.
pub(super) const WIDE: Metrics = Metrics {
    r: 36.0,
    client_r: 28.0,
    layer_pitch: 190.0,
    node_pitch: 146.0,
    name_room: 0.0,
    lane_pitch: 48.0,
    margins: [74.0, 84.0, 90.0, 98.0],
    min_width: 1060.0,
    min_height: 560.0,
    start_gap: 5.0,
    end_gap: 9.0,
};

/// The map of one trace, above its timeline.
pub(super) const MINI: Metrics = Metrics {
    r: 13.0,
    client_r: 13.0,
    layer_pitch: 148.0,
    node_pitch: 38.0,
    name_room: 20.0,
    lane_pitch: 20.0,
    margins: [46.0, 28.0, 160.0, 42.0],
    min_width: 930.0,
    min_height: 146.0,
    start_gap: 3.0,
    end_gap: 6.0,
};

/// The map on a phone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TallMetrics {
    pub(super) r: f64,
    pub(super) client_r: f64,
    pub(super) width: f64,
    /// Leftmost centre; the rightmost is as far from the other side.
    pub(super) side: f64,
    /// Most nodes side by side.
    pub(super) in_row: usize,
    /// Least distance of nodes that are not staggered.
    pub(super) node_pitch: f64,
    /// From the first centre to the top.
    pub(super) top: f64,
    /// From a client to the row below.
    pub(super) client_pitch: f64,
    /// From a row to the row below.
    pub(super) row_pitch: f64,
    /// How much lower every other node of a full row stands.
    pub(super) stagger: f64,
    /// From the last centre to the bottom.
    pub(super) bottom: f64,
    /// From a centre to below the name.
    pub(super) name: f64,
    /// From the tip of a line to the edge of a node.
    pub(super) end_gap: f64,
}

pub(super) const TALL: TallMetrics = TallMetrics {
    r: 30.0,
    client_r: 22.0,
    width: 390.0,
    side: 60.0,
    in_row: 4,
    node_pitch: 112.0,
    top: 46.0,
    client_pitch: 104.0,
    row_pitch: 116.0,
    stagger: 54.0,
    bottom: 66.0,
    name: 64.0,
    end_gap: 9.0,
};
