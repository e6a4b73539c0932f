//! Which release to install.

use semver::{Version, VersionReq};

/// The newest release that fits; pre-releases only where nothing else does.
pub fn newest(releases: &[&str], wanted: Option<&str>) -> Result<Option<Version>, semver::SemVerError> {
    let requirement = match wanted {
        Some(text) => VersionReq::parse(text).unwrap_or_else(|_| VersionReq::any()),
        None => VersionReq::any(),
    };
    let mut fitting = Vec::new();
    for release in releases {
        let version = Version::parse(release)?;
        if !version.is_prerelease() && requirement.matches(&version) {
            fitting.push(version);
        }
    }
    Ok(fitting.into_iter().max())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_that_fits() {
        let releases = ["1.2.0", "1.10.1", "2.0.0-rc.1"];
        assert_eq!(newest(&releases, None).unwrap().unwrap().to_string(), "1.10.1");
        assert_eq!(newest(&releases, Some("~1.2")).unwrap().unwrap().to_string(), "1.2.0");
        assert!(newest(&["one"], None).is_err());
    }
}
